"""
The columns of a fresh Dynamics 365 Sales environment, table by table; only those that a scoring connector could touch.

Names, types and lengths are those of Microsoft's Common Data Model schema documents and of the Dynamics 365 Sales
entity reference (facts; the tables are our own).

One column a line: its schema name, its kind, then what the kind needs (a length, bounds, the name of a choice, the
targets of a lookup, the labels of false and true), then words: `required`, `ro` (read-only), `inverted` (a boolean
whose true says "No").
"""

from __future__ import annotations

#: Columns of every table that users own.
OWNED = """
OwnerId owner systemuser team
OwningUser lookup systemuser ro
OwningTeam lookup team ro
OwningBusinessUnit lookup businessunit ro
CreatedOn datetime ro
ModifiedOn datetime ro
CreatedBy lookup systemuser ro
ModifiedBy lookup systemuser ro
ModifiedOnBehalfBy lookup systemuser ro
OverriddenCreatedOn datetime
VersionNumber bigint ro
"""

_ADDRESS = """
Address1_Line1 string 250
Address1_City string 80
Address1_StateOrProvince string 50
Address1_PostalCode string 20
Address1_Country string 80
"""

_CONSENT = """
DoNotEMail boolean Allow Do_Not_Allow
DoNotBulkEMail boolean Allow Do_Not_Allow
DoNotPhone boolean Allow Do_Not_Allow
DoNotPostalMail boolean Allow Do_Not_Allow
DoNotFax boolean Allow Do_Not_Allow
DoNotSendMM boolean Send Do_Not_Send
FollowEmail boolean Do_Not_Allow Allow
"""

CONTACT = f"""
ContactId id
FirstName string 50
LastName string 50 required
FullName string 160 ro
Salutation string 100
JobTitle string 100
Department string 100
EMailAddress1 string 100
EMailAddress2 string 100
EMailAddress3 string 100
Telephone1 string 50
MobilePhone string 50
WebSiteUrl string 200
Description memo 2000
ParentCustomerId customer account contact
OriginatingLeadId lookup lead
AccountRoleCode choice accountrole
LeadSourceCode choice default
PreferredContactMethodCode choice contactmethod
CustomerTypeCode choice default
ExternalUserIdentifier string 50
EmployeeId string 50
AnnualIncome money
TransactionCurrencyId lookup transactioncurrency
LastOnHoldTime datetime
BirthDate dateonly
MasterId lookup contact ro
Merged boolean ro
StateCode state contact
StatusCode status contact
{_ADDRESS}{_CONSENT}"""

LEAD = f"""
LeadId id
FirstName string 50
LastName string 50 required
FullName string 160 ro
Subject string 300 required
Salutation string 100
JobTitle string 100
EMailAddress1 string 100
EMailAddress2 string 100
EMailAddress3 string 100
Telephone1 string 50
MobilePhone string 20
WebSiteUrl string 200
Description memo 2000
CompanyName string 100
IndustryCode choice industry
NumberOfEmployees integer 0 1000000
Revenue money
SIC string 20
LeadQualityCode choice rating
LeadSourceCode choice leadsource
PriorityCode choice default
SalesStage choice leadstage
SalesStageCode choice default
BudgetStatus choice budgetstatus
BudgetAmount money 0 1000000000000
EstimatedAmount money 0 1000000000000
EstimatedCloseDate dateonly
Need choice need
PurchaseTimeFrame choice timeframe
PurchaseProcess choice process
InitialCommunication choice communication
PreferredContactMethodCode choice contactmethod
DecisionMaker boolean mark_complete completed
ConfirmInterest boolean
EvaluateFit boolean
ScheduleFollowUp_Prospect localdate
ScheduleFollowUp_Qualify localdate
QualificationComments memo 2000
ParentContactId lookup contact
ParentAccountId lookup account
CustomerId customer account contact
QualifyingOpportunityId lookup opportunity
TransactionCurrencyId lookup transactioncurrency
msdyn_LeadScore integer
msdyn_LeadGrade choice grade
msdyn_LeadScoreTrend choice trend
msdyn_PredictiveScoreId lookup msdyn_predictivescore
msdyn_GDPROptOut boolean
MasterId lookup lead ro
Merged boolean ro
StateCode state lead
StatusCode status lead
{_ADDRESS}{_CONSENT}"""

ACCOUNT = f"""
AccountId id
Name string 160 required
AccountNumber string 20
EMailAddress1 string 100
Telephone1 string 50
WebSiteURL string 200
Description memo 2000
IndustryCode choice industry
NumberOfEmployees integer 0 1000000000
Revenue money
SIC string 20
OwnershipCode choice ownership
CustomerTypeCode choice customertype
AccountCategoryCode choice accountcategory
AccountRatingCode choice default
PrimaryContactId lookup contact
ParentAccountId lookup account
TransactionCurrencyId lookup transactioncurrency
MasterId lookup account ro
Merged boolean ro
StateCode state account
StatusCode status account
{_ADDRESS}{_CONSENT}"""

OPPORTUNITY = """
OpportunityId id
Name string 300 required
Description memo 2000
CustomerId customer account contact required
ParentContactId lookup contact
ParentAccountId lookup account
OriginatingLeadId lookup lead
ContactId lookup contact ro
AccountId lookup account ro
EstimatedValue money -1000000000000 1000000000000
ActualValue money -1000000000000 1000000000000
BudgetAmount money 0 1000000000000
TotalAmount money -922337203685477 922337203685477 ro
CloseProbability integer 0 100
EstimatedCloseDate dateonly
ActualCloseDate dateonly
FinalDecisionDate dateonly
SalesStage choice dealstage
SalesStageCode choice default
StepName string 200
OpportunityRatingCode choice rating
PriorityCode choice default
BudgetStatus choice budgetstatus
Need choice need
PurchaseTimeFrame choice timeframe
PurchaseProcess choice process
TimeLine choice timeline
msdyn_forecastcategory choice forecast
msdyn_OpportunityScore integer
msdyn_PredictiveScoreId lookup msdyn_predictivescore
ConfirmInterest boolean inverted
CaptureProposalFeedback boolean inverted
DecisionMaker boolean mark_complete completed
CompleteFinalProposal boolean Mark_complete Completed
DevelopProposal boolean
PresentProposal boolean
EvaluateFit boolean
IsRevenueSystemCalculated boolean
ScheduleFollowUp_Qualify localdate
TransactionCurrencyId lookup transactioncurrency
StateCode state opportunity
StatusCode status opportunity
"""

#: Columns that all activities share.
_ACTIVITY = """
ActivityId id
Subject string 200 required
Description memo 2000
RegardingObjectId lookup account contact lead opportunity
ScheduledStart datetime
ScheduledEnd datetime
ActualStart datetime
ActualEnd datetime
ActualDurationMinutes integer 0 2147483647
ScheduledDurationMinutes integer 0 2147483647
PriorityCode choice priority
SortDate datetime
IsWorkflowCreated boolean ro
"""

PHONECALL = f"""{_ACTIVITY}
DirectionCode boolean Incoming Outgoing
LeftVoiceMail boolean
PhoneNumber string 200
Category string 250
SubCategory string 250
StateCode state phonecall
StatusCode status phonecall
"""

EMAIL = f"""{_ACTIVITY}
DirectionCode boolean Incoming Outgoing
Sender string 250
ToRecipients string 500
SentOn datetime ro
MessageId string 320
OpenCount integer 0 2147483647 ro
LinksClickedCount integer 0 2147483647 ro
ReplyCount integer 0 2147483647 ro
StateCode state email
StatusCode status email
"""

APPOINTMENT = f"""{_ACTIVITY}
Location string 200
IsAllDayEvent boolean
StateCode state appointment
StatusCode status appointment
"""

TASK = f"""{_ACTIVITY}
PercentComplete integer 0 100
Category string 250
SubCategory string 250
StateCode state task
StatusCode status task
"""

ACTIVITYPARTY = """
ActivityPartyId id
ActivityId lookup phonecall email appointment task
PartyId lookup account contact lead systemuser
ParticipationTypeMask choice participation
AddressUsed string 320
"""

SYSTEMUSER = """
SystemUserId id
FullName string 200 ro
FirstName string 64
LastName string 64
InternalEMailAddress string 100
DomainName string 1024
Title string 128
IsDisabled boolean Enabled Disabled
ApplicationId guid
AzureActiveDirectoryObjectId guid
BusinessUnitId lookup businessunit
CreatedOn datetime ro
ModifiedOn datetime ro
VersionNumber bigint ro
"""

TEAM = """
TeamId id
Name string 160
TeamType choice teamtype
Description memo 2000
BusinessUnitId lookup businessunit
CreatedOn datetime ro
ModifiedOn datetime ro
VersionNumber bigint ro
"""

AUDIT = """
AuditId id
Action choice auditaction
Operation choice auditoperation
AttributeMask memo 100000
CreatedOn datetime ro
UserId lookup systemuser
CallingUserId lookup systemuser
ObjectId lookup contact lead account opportunity phonecall email appointment task
ObjectTypeCode string 100
"""

PREDICTIVESCORE = """
msdyn_predictivescoreId id
msdyn_name string 100
msdyn_Score integer
msdyn_Grade choice grade
msdyn_ScoreTrend choice trend
msdyn_EntityId string 100
msdyn_EntityType string 100
CreatedOn datetime ro
ModifiedOn datetime ro
CreatedBy lookup systemuser ro
ModifiedBy lookup systemuser ro
VersionNumber bigint ro
"""

ORGANIZATION = """
OrganizationId id
Name string 160
LanguageCode integer
ExpireChangeTrackingInDays integer 0 365
IsAuditEnabled boolean
IsUserAccessAuditEnabled boolean
BaseCurrencyId lookup transactioncurrency
"""

BUSINESSUNIT = """
BusinessUnitId id
Name string 160
"""

CURRENCY = """
TransactionCurrencyId id
CurrencyName string 100
ISOCurrencyCode string 5
ExchangeRate decimal
CurrencyPrecision integer 0 4
"""

SDKMESSAGE = """
SdkMessageId id
Name string 256
"""

SDKMESSAGEFILTER = """
SdkMessageFilterId id
SdkMessageId lookup sdkmessage
PrimaryObjectTypeCode string 100
"""

TEAMMEMBERSHIP = """
TeamMembershipId id
SystemUserId guid
TeamId guid
"""

WORKFLOW = """
WorkflowId id
Name string 100
Category choice processcategory
Type choice processtype
PrimaryEntity string 100
Xaml memo 1048576
ClientData memo 1048576
StateCode state workflow
StatusCode status workflow
"""

SDKMESSAGEPROCESSINGSTEP = """
SdkMessageProcessingStepId id
Name string 256
FilteringAttributes memo 100000
SdkMessageFilterId lookup sdkmessagefilter
StateCode state step
StatusCode status step
"""

PUBLISHER = """
PublisherId id
UniqueName string 256
FriendlyName string 256
CustomizationPrefix string 8
CustomizationOptionValuePrefix integer 10000 99999
"""

SOLUTION = """
SolutionId id
UniqueName string 65
FriendlyName string 256
PublisherId lookup publisher
IsManaged boolean
"""
