"""What makes the shipped agreement odd without making it wrong, per row, and what lint must say of it."""

# ruff: noqa: E501 - a row shows the lines of the files in one piece

L, S, P, A, H = "lifecycle.toml", "scoring.toml", "personas.toml", "agreement.toml", "hubspot.toml"

MQL = (L, 'enter_when = { fit_at_least = 50, engagement_at_least = 40, minimum_information = "mql" }')
SQL = (L, 'enter_when = { evidence_at_least = 2, from_stages = ["mql", "sal"] }')
SAL = (L, "enter_when = { accepted_by_sales = true")
LEAVE = (L, 'leave_when = { engagement_below = 25, to = "nurture" }')
OUTSIDE = (L, 'outside_icp = { field = "industry", contains_any_of = ["gambling", "tobacco"]')
OPEN = (L, 'enter_when = { deal = "open" }')
COUNTRY = (H, 'phone = "phone"')
DAILY = (P, 'contains_any_of = ["manager", "lead", "supervisor", "engineer", "specialist", "analyst", "coordinator"]')
VISITS = (S, "careers_page = { points = -20")


def _asks(field: str, property_: str, rule: str) -> list[tuple[str, str, str]]:
    """A field of one's own, and a fit rule about it."""
    declared = f'phone = "phone"\n{field} = {{ property = "{property_}", type = "text" }}'
    return [(*COUNTRY, declared), (S, "", f"\n[fit.more]\nodd = {{ {rule}, points = 5 }}\n")]


#: changes (file, text, its replacement; no text: add at the end), severity, key it points at, part of what it says
ODD: list[tuple[list[tuple[str, str, str]], str, str, str]] = [
    # -- stages that nobody can be in --
    ([(*OPEN, "")], "warning", "stages.opportunity", "nothing leads to Opportunity"),
    ([(H, 'pricing_page = { list = "Visited pricing", when = "added" }', ""), (L, "engagement_at_least = 40", "engagement_at_least = 70"),
      (L, 'trial = { signal = "trial_start", to = "sal", requires = ["email"], sla = "fast" }', ""),
      (H, 'trial_start = { list = "Started trial", when = "added" }', "")],
     "error", "stages.mql.enter_when", "asks for engagement of at least 70, and the rules give no more than 65"),
    ([(H, 'pricing_page = { list = "Visited pricing", when = "added" }', ""), (L, "engagement_at_least = 40", "combined_at_least = 90"),
      (L, 'trial = { signal = "trial_start", to = "sal", requires = ["email"], sla = "fast" }', ""),
      (H, 'trial_start = { list = "Started trial", when = "added" }', "")],
     "error", "stages.mql.enter_when", "asks for the combined score of at least 90, and the rules give no more than 75"),
    ([(*SQL, 'enter_when = { evidence_at_least = 2, from_stages = ["disqualified"] }')],
     "error", "stages.sql.enter_when", "is entered only from Disqualified"),
    ([(L, "connected = { label = \"Connected\", working = true, accepts = true }", ""),
      (L, "in_progress = { label = \"In progress\", working = true, accepts = true }", "in_progress = { label = \"In progress\" }"),
      (L, "open_deal = { label = \"Open deal\", working = true, accepts = true }", "open_deal = { label = \"Open deal\" }")],
     "error", "stages.sal.enter_when", "no lead status accepts"),
    ([(L, 'notify = "sales_task"', ""), (L, 'demo = { signal = "demo_request", to = "sal", requires = ["email"], sla = "fast" }', ""),
      (L, 'trial = { signal = "trial_start", to = "sal", requires = ["email"], sla = "fast" }', "")],
     "error", "stages.sal.enter_when", "nobody is handed over"),
    ([(H, 'meeting_held = { activity = "meeting", outcome = "completed" }', ""),
      (H, 'email_reply = { activity = "email", direction = "inbound" }', "")],
     "error", "stages.sql.enter_when", "never shows conversation held or answered by e-mail"),
    ([(L, "", '\n[stages.partner]\nlabel = "Partner"\nowner = "sales"\nmeans = "Sells with us."\nside = true\n'),
      (H, 'nurture = "lead"', 'nurture = "lead"\npartner = "partner"')],
     "warning", "stages.partner", "nothing leads to Partner"),
    ([(L, 'existing_customer = { label', 'upkeep = { label = "Upkeep", signals = ["email_click"], stages.mql = { enter_when = { engagement_at_least = 99 } } }\nexisting_customer = { label'),
      (S, "group_total_at_most = 25", "group_total_at_most = 20")],
     "error", "lead_types.upkeep.stages.mql.enter_when", "for Upkeep: asks for engagement of at least 99, and the rules give no more than 80."),
    ([(L, 'existing_customer = { label', 'upkeep = { label = "Upkeep", when = { field = "last_name", is = "Smith" } }\nexisting_customer = { label')],
     "warning", "lead_types.upkeep.when", "stands in for gender and origin"),
    # -- moves that undo each other --
    ([(*MQL, 'enter_when = { fit_at_least = 50, minimum_information = "mql" }')],
     "warning", "stages.mql.leave_when", "its entry does not ask for engagement"),
    ([(*SQL, "enter_when = { evidence_at_least = 2 }")],
     "warning", "stages.mql.leave_when", "still enough for SQL"),
    ([(*SQL, "enter_when = { engagement_at_least = 20 }")],
     "warning", "stages.mql.leave_when", "still enough for SQL"),
    ([(L, 'bad_timing = { label = "Bad timing", moves_to = "nurture", wait_days = 30', 'bad_timing = { label = "Bad timing", moves_to = "nurture"')],
     "warning", "statuses.bad_timing", "without a wait"),
    ([(L, 'other = { to = "nurture", wait_days = 60 }', 'other = { to = "nurture" }')],
     "warning", "lost_reasons.other", "without a wait"),
    # -- rules that never speak --
    ([(P, '"intern", "trainee", "student"]', '"intern", "trainee", "student", "manager", "lead", "supervisor", "engineer", "specialist", "analyst", "coordinator"]')],
     "error", "personas.daily_user", "whoever matches is Support role already"),
    ([(*DAILY, 'contains_any_of = ["sales director"], unless_any_of = ["assistant"]')],
     "error", "fit.person.daily_user", "a persona that nobody ever is"),
    ([("icp.toml", "company_size = { between = [50, 5000] }", "company_size = { between = [300, 900] }\nindustry = { contains_any_of = [\"automotive\"] }")],
     "error", "bands.acceptable", "every one of them is Core already"),
    ([("icp.toml", "company_size = { between = [50, 5000] }", "company_size = { at_least = 500 }\nsmall = { field = \"company_size\", at_most = 100 }")],
     "error", "bands.acceptable", "exclude each other"),
    ([("icp.toml", '[bands.outside]\nlabel = "Outside"', '[bands.outside]\nlabel = "Outside"\n[bands.last]\n[bands.last.needs]\ncompany_size = { at_least = 1 }')],
     "error", "bands.last", "every one of them is Outside already"),
    ([(*OUTSIDE, 'outside_icp = { field = "industry", contains_any_of = ["online gambling"], unless_any_of = ["gambling"]')],
     "error", "exclusions.outside_icp", "never holds"),
    ([(*OUTSIDE, 'outside_icp = { field = "industry", contains_any_of = ["gambling tools", "tobacco"], unless_any_of = ["gambling"]')],
     "warning", "exclusions.outside_icp", '"gambling tools" can never be found'),
    ([(*OUTSIDE, 'outside_icp = { field = "industry", contains_any_of = ["gambling", "Gambling"]')],
     "remark", "exclusions.outside_icp", '"Gambling" is there twice'),
    ([("lists/employees.txt", "ourcompany.example\n", "")],
     "warning", "exclusions.employee", "the list employees, which is empty"),
    ([(L, 'blocks = "mql", reason = "private mailbox"', 'blocks = "opportunity", reason = "private mailbox"')],
     "error", "exclusions.private_mailbox", "where no rule leads"),
    ([(L, "used = true ", "used = false "), (L, 'demo = { signal = "demo_request", to = "sal"', 'demo = { signal = "demo_request", to = "sql"'),
      (L, 'trial = { signal = "trial_start", to = "sal"', 'trial = { signal = "trial_start", to = "sql"'),
      (L, 'blocks = "mql", reason = "private mailbox"', 'blocks = "sal", reason = "private mailbox"')],
     "warning", "exclusions.private_mailbox", "blocks SAL, which is not used"),
    ([(L, "private_mailbox = {", 'snuff = { field = "industry", is = "snuff tobacco", blocks = "sql", reason = "snuff" }\nprivate_mailbox = {')],
     "warning", "exclusions.snuff", "whom outside_icp does not exclude already"),
    ([(L, "trial = {", 'soon = { signal = "demo_request", to = "mql", requires = ["email", "phone"] }\ntrial = {')],
     "error", "fast_track.soon", "demo takes everybody before it"),
    ([(L, 'competitor_chosen = { contains_any_of = ["competitor"]', 'competitor_chosen = { contains_any_of = ["really no fit"]')],
     "error", "lost_reasons.competitor_chosen", "not_a_fit takes these deals before it"),
    ([(L, 'not_a_fit = { contains_any_of = ["not a fit", "no fit", "out of business"], to', "not_a_fit = { to"),
      (L, 'other = { to = "nurture", wait_days = 60 }', "")],
     "error", "lost_reasons.no_timing", "not_a_fit takes these deals before it"),
    ([(H, 'case_study = { list = "Read case study", when = "added" }', "")],
     "warning", "engagement.content.case_study", "nothing in hubspot.toml says how case study is seen"),
    ([(H, 'unsubscribe = { list = "Unsubscribed", when = "added" }', "")],
     "warning", "nurture.stops_when.unsubscribed", "nothing in hubspot.toml says how unsubscribe is seen"),
    ([(*MQL, "enter_when = { fit_at_least = 50, engagement_at_least = 40 }")],
     "warning", "minimum_information.mql", "is asked for by no stage"),
    ([(*SQL, 'enter_when = { evidence_at_least = 1, evidence = ["answered"], from_stages = ["mql", "sal"] }')],
     "remark", "evidence.role_confirmed", "is asked for by no stage"),
    ([(L, 'sla = "standard"', "")], "warning", "stages.mql", "without a follow-up time"),
    ([(L, 'sla = "standard"', 'sla = "fast"')], "remark", "sla.standard", "of no stage and no fast track"),
    # -- points that do not say what was agreed --
    ([(S, "email_click = { points = 3", "email_click = { points = 9")],
     "warning", "engagement.content.email_click", "e-mail click is of low strength and gives 9 points, more than case study"),
    ([(S, "webinar_attended = { points = 12", "webinar_attended = { points = 16")],
     "warning", "engagement.content.webinar_attended", "more than pricing page, which is of high strength and gives 15"),
    ([(S, "case_study = { points = 6", "case_study = { points = 0")],
     "remark", "engagement.content.case_study", "gives no points"),
    ([(S, 'email_click = { points = 3, once_per = "day", times_at_most = 2', 'email_click = { points = 3, once_per = "day", within_days = 10')],
     "warning", "engagement.content.email_click", "never live to end after 30"),
    ([(S, 'email_click = { points = 3, once_per = "day", times_at_most = 2', 'email_click = { points = 3, once_per = "week", times_at_most = 9')],
     "warning", "engagement.content.email_click", "once a week there are never so many"),
    ([(S, "careers_page = { points = -20", "careers_page = { points = 2")],
     "warning", "engagement.negative.careers_page", "never gives more than 0"),
    ([(S, "group_total_at_most = 25", "group_total_at_most = 11")],
     "warning", "engagement.content.webinar_attended", "its group never gives more than 11"),
    ([(S, "group_total_at_most = 25", "group_total_at_most = 25\ngroup_total_never_below = 0"), (S, "email_click = { points = 3", "email_click = { points = -3")],
     "warning", "engagement.content.email_click", "never below 0"),
    ([(S, "country = {", 'big = { field = "revenue", at_least = 10_000_000, points = 3 }\ncountry = {')],
     "warning", "fit.company.big", "asks the same as fit.company.revenue"),
    ([(S, "trial_start = {", 'again = { signal = "demo_request", points = 1, once_per = "day", times_at_most = 1, points_end_after_days = 30 }\ntrial_start = {')],
     "warning", "engagement.high_intent.again", "asks the same as engagement.high_intent.demo_request"),
    # -- people are not treated by what they are born as --
    (_asks("gender", "gender", 'field = "gender", is = "female"'), "warning", "fit.more.odd", "treats people by gender"),
    (_asks("form_of_address", "salutation", 'field = "form_of_address", is_known = true'),
     "warning", "fit.more.odd", "treats people by form of address (salutation)"),
    (_asks("when_born", "dateOfBirth", 'field = "when_born", is_known = true'), "warning", "fit.more.odd", "(dateOfBirth)"),
    (_asks("age", "age", 'field = "age", is = "40"'), "warning", "fit.more.odd", "treats people by age"),
    (_asks("family", "familystatuscode", 'field = "family", is = "2"'), "warning", "fit.more.odd", "(familystatuscode)"),
    (_asks("nationality", "cx_nationality", 'field = "nationality", is = "PL"'), "warning", "fit.more.odd", "nationality"),
    (_asks("faith", "faith", 'field = "faith", is = "x"'), "warning", "fit.more.odd", "treats people by faith"),
    ([(S, "", '\n[fit.more]\nodd = { field = "first_name", is_any_of = ["Anna", "Maria"], points = 5 }\n')],
     "warning", "fit.more.odd", "stands in for gender and origin"),
    ([(P, '"intern", "trainee", "student"]', '"intern", "trainee", "student", "mrs"]')],
     "warning", "personas.support_role.match", '"mrs" in the job title gives the gender away'),
    ([(*COUNTRY, 'phone = "phone"\ngender = { property = "gender", type = "text" }'),
      (L, 'mql = ["first_name", "email"', 'mql = ["first_name", "gender", "email"')],
     "warning", "minimum_information.mql", "asks people for gender"),
    # -- what is missing on paper --
    ([(P, 'evidence = "Half of the titles with VP in them that sales sent back in 2025 were assistants."', "")],
     "warning", "personas.support_role", "how we know Support role"),
    ([(L, 'label = "SQL"\nowner = "sales"', 'label = "SQL"')], "warning", "stages.sql", "nobody owns SQL"),
    ([(L, 'means = "Known by e-mail, nothing more."', "")], "warning", "stages.subscriber", "what Subscriber means"),
    ([(L, 'duplicate = { label = "Known already", fixed_by = "marketing" }', 'duplicate = { label = "Known already" }')],
     "warning", "rejection_reasons.duplicate", "nobody is named to fix it"),
    ([(A, 'at_least = 12, owner = "sales"', "at_least = 12")], "warning", "goals.sqls", "a goal that nobody owns"),
    ([(A, "effective_from = 2026-01-01", "effective_from = 2026-07-01")],
     "remark", "effective_from", "is to hold from 2026-07-01"),
]  # fmt: skip
