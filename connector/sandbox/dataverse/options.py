"""Choices of a fresh environment: values and labels, and which status belongs to which state."""

from __future__ import annotations

CHOICES = {
    "default": "1 Default Value",
    "rating": "1 Hot; 2 Warm; 3 Cold",
    "grade": "0 Grade A; 1 Grade B; 2 Grade C; 3 Grade D",
    "trend": "0 Improving; 1 Steady; 2 Declining; 3 Not enough info",
    "leadsource": "1 Advertisement; 2 Employee Referral; 3 External Referral; 4 Partner; 5 Public Relations; "
    "6 Seminar; 7 Trade Show; 8 Web; 9 Word of Mouth; 10 Other",
    "leadstage": "0 Qualify",
    "dealstage": "0 Qualify; 1 Develop; 2 Propose; 3 Close",
    "budgetstatus": "0 No Committed Budget; 1 May Buy; 2 Can Buy; 3 Will Buy",
    "need": "0 Must have; 1 Should have; 2 Good to have; 3 No need",
    "timeframe": "0 Immediate; 1 This Quarter; 2 Next Quarter; 3 This Year; 4 Unknown",
    "timeline": "0 Immediate; 1 This Quarter; 2 Next Quarter; 3 This Year; 4 Not known",
    "process": "0 Individual; 1 Committee; 2 Unknown",
    "communication": "0 Contacted; 1 Not Contacted",
    "contactmethod": "1 Any; 2 Email; 3 Phone; 4 Fax; 5 Mail",
    "accountrole": "1 Decision Maker; 2 Employee; 3 Influencer",
    "accountcategory": "1 Preferred Customer; 2 Standard",
    "ownership": "1 Public; 2 Private; 3 Subsidiary; 4 Other",
    "customertype": "1 Competitor; 2 Consultant; 3 Customer; 4 Investor; 5 Partner; 6 Influencer; 7 Press; "
    "8 Prospect; 9 Reseller; 10 Supplier; 11 Vendor; 12 Other",
    "forecast": "100000001 Pipeline; 100000002 Best case; 100000003 Committed; 100000004 Omitted; 100000005 Won; "
    "100000006 Lost",
    "priority": "0 Low; 1 Normal; 2 High",
    "participation": "1 Sender; 2 To Recipient; 3 CC Recipient; 4 BCC Recipient; 5 Required attendee; "
    "6 Optional attendee; 7 Organizer; 8 Regarding; 9 Owner",
    "auditaction": "1 Create; 2 Update; 3 Delete; 12 Merge; 24 Qualify; 25 Disqualify; 41 Set State; 44 Win; 45 Lose",
    "auditoperation": "1 Create; 2 Update; 3 Delete; 4 Access",
    "teamtype": "0 Owner; 1 Access; 2 Security Group; 3 Office Group",
    "processcategory": "0 Workflow; 1 Dialog; 2 Business Rule; 3 Action; 4 Business Process Flow; 5 Modern Flow; "
    "6 Desktop Flow",
    "processtype": "1 Definition; 2 Activation; 3 Template",
    "industry": """
        1 Accounting; 2 Agriculture and Non-petrol Natural Resource Extraction;
        3 Broadcasting Printing and Publishing; 4 Brokers; 5 Building Supply Retail; 6 Business Services; 7 Consulting;
        8 Consumer Services; 9 Design, Direction and Creative Management;
        10 Distributors, Dispatchers and Processors; 11 Doctor's Offices and Clinics; 12 Durable Manufacturing;
        13 Eating and Drinking Places; 14 Entertainment Retail; 15 Equipment Rental and Leasing; 16 Financial;
        17 Food and Tobacco Processing; 18 Inbound Capital Intensive Processing; 19 Inbound Repair and Services;
        20 Insurance; 21 Legal Services; 22 Non-Durable Merchandise Retail; 23 Outbound Consumer Service;
        24 Petrochemical Extraction and Distribution; 25 Service Retail; 26 SIG Affiliations; 27 Social Services;
        28 Special Outbound Trade Contractors; 29 Specialty Realty; 30 Transportation;
        31 Utility Creation and Distribution; 32 Vehicle Retail; 33 Wholesale
    """,
}

#: States and their statuses; the first status of a state is the one it takes by itself.
STATES = {
    "workflow": ("0 Draft; 1 Activated", "1 Draft @0; 2 Activated @1"),
    "step": ("0 Enabled; 1 Disabled", "1 Enabled @0; 2 Disabled @1"),
    "contact": ("0 Active; 1 Inactive", "1 Active @0; 2 Inactive @1"),
    "account": ("0 Active; 1 Inactive", "1 Active @0; 2 Inactive @1"),
    "lead": (
        "0 Open; 1 Qualified; 2 Disqualified",
        "1 New @0; 2 Contacted @0; 3 Qualified @1; 4 Lost @2; 5 Cannot Contact @2; 6 No Longer Interested @2; "
        "7 Canceled @2",
    ),
    "opportunity": (
        "0 Open; 1 Won; 2 Lost",
        "1 In Progress @0; 2 On Hold @0; 3 Won @1; 4 Canceled @2; 5 Out-Sold @2",
    ),
    "phonecall": ("0 Open; 1 Completed; 2 Canceled", "1 Open @0; 2 Made @1; 4 Received @1; 3 Canceled @2"),
    "email": (
        "0 Open; 1 Completed; 2 Canceled",
        "1 Draft @0; 8 Failed @0; 2 Completed @1; 3 Sent @1; 4 Received @1; 6 Pending Send @1; 7 Sending @1; "
        "5 Canceled @2",
    ),
    "appointment": (
        "0 Open; 1 Completed; 2 Canceled; 3 Scheduled",
        "1 Free @0; 2 Tentative @0; 3 Completed @1; 4 Canceled @2; 5 Busy @3; 6 Out of Office @3",
    ),
    "task": (
        "0 Open; 1 Completed; 2 Canceled",
        "2 Not Started @0; 3 In Progress @0; 4 Waiting on someone else @0; 7 Deferred @0; 5 Completed @1; "
        "6 Canceled @2",
    ),
}
