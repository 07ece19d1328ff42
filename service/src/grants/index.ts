export { grantedThrough, grantsCalls, grantsScopes } from './coverage.ts'
export type { Grant, GrantedMount, GrantStore } from './grant-store.ts'
export { type Consent, createGrants, type Grants } from './grants.ts'
