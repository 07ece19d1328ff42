/** Stopping an agent ends its logins. */
export const statements = ['create index families_by_agent on families (agent)']
