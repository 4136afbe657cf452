// Drives a Dataverse sandbox with the npm package dynamics-web-api; prints what it saw as one line of JSON.
// Arguments: the sandbox's address and its token. The package is found by NODE_PATH.
const { DynamicsWebApi } = require("dynamics-web-api");

const [address, token] = process.argv.slice(2);
const api = new DynamicsWebApi({
    serverUrl: address,
    dataApi: { version: "9.2" },
    onTokenRefresh: async () => token,
});
const contacts = { collection: "contacts", select: ["lastname", "jobtitle"] };

async function status(promise) {
    try {
        await promise;
        return 204;
    } catch (error) {
        return error.status;
    }
}

async function pages() {
    const found = await api.retrieveMultiple({ ...contacts, filter: "statecode eq 0", maxPageSize: 10 });
    const all = await api.retrieveAll({ ...contacts, orderBy: ["lastname desc"], maxPageSize: 10 });
    const counted = await api.count({ collection: "contacts" });
    return { first: found.value.length, linked: Boolean(found.oDataNextLink), all: all.value.length, counted };
}

async function changes() {
    let page = await api.retrieveMultiple({ ...contacts, trackChanges: true, maxPageSize: 20 });
    let read = page.value.length;
    while (page.oDataNextLink) {
        page = await api.retrieveMultiple({ ...contacts, trackChanges: true, maxPageSize: 20 }, page.oDataNextLink);
        read += page.value.length;
    }
    const [first, second] = page.value;
    await api.update({ collection: "contacts", key: first.contactid, data: { jobtitle: "changed" } });
    await api.deleteRecord({ collection: "contacts", key: second.contactid });
    const delta = await api.retrieveMultiple(contacts, page.oDataDeltaLink);
    return {
        read,
        changed: delta.value.filter((row) => row.jobtitle === "changed").length,
        deleted: delta.value.filter((row) => row.reason === "deleted" && row.id === second.contactid).length,
        told: delta.value.length,
        again: Boolean(delta.oDataDeltaLink),
    };
}

async function conditions() {
    const created = await api.create({ collection: "contacts", data: { lastname: "Node" }, returnRepresentation: true });
    const about = { collection: "contacts", key: created.contactid };
    const known = created["@odata.etag"];
    return {
        fresh: await status(api.update({ ...about, data: { jobtitle: "A" }, ifmatch: known })),
        stale: await api.update({ ...about, data: { jobtitle: "B" }, ifmatch: known }),
        upsert: await api.upsert({ ...about, data: { jobtitle: "C" }, ifnonematch: "*" }),
        title: (await api.retrieve({ ...about, select: ["jobtitle"] })).jobtitle,
    };
}

async function batch() {
    const rows = (await api.retrieveMultiple({ ...contacts, top: 3 })).value;
    api.startBatch();
    for (const [place, row] of rows.entries()) {
        const ifmatch = place === 1 ? 'W/"1"' : row["@odata.etag"];
        api.update({ collection: "contacts", key: row.contactid, data: { jobtitle: "batch" }, ifmatch, inChangeSet: false });
    }
    api.retrieve({ collection: "contacts", key: rows[2].contactid, select: ["jobtitle"], inChangeSet: false });
    const answers = await api.executeBatch({ continueOnError: true });
    api.startBatch();
    api.create({ collection: "accounts", data: { name: "Acme" }, contentId: "1" });
    api.create({ collection: "contacts", data: { lastname: "Set", "parentcustomerid_account@odata.bind": "$1" } });
    const made = await api.executeBatch();
    return { parts: answers.length, failed: answers[1].status, read: answers[3].jobtitle, made: made.length };
}

async function metadata() {
    const table = await api.retrieveEntity({
        key: "LogicalName='lead'",
        select: ["EntitySetName", "ChangeTrackingEnabled"],
    });
    const options = await api.retrieveAttributes({
        entityKey: "LogicalName='lead'",
        castType: "Microsoft.Dynamics.CRM.StatusAttributeMetadata",
        expand: [{ property: "OptionSet", select: ["Options"] }],
    });
    const me = await api.callFunction("WhoAmI");
    return { set: table.EntitySetName, statuses: options.value[0].OptionSet.Options.length, me: me.UserId };
}

(async () => {
    const seen = { pages: await pages(), changes: await changes(), conditions: await conditions() };
    console.log(JSON.stringify({ ...seen, batch: await batch(), metadata: await metadata() }));
})().catch((error) => {
    console.error(error);
    process.exit(1);
});
