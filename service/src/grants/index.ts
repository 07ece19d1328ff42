export {
  grantedScopes,
  grantedThrough,
  grantedUntil,
  grantsCalls,
  grantsDelegates,
  grantsDelegation,
  grantsScopes,
  scopesWithin,
} from './coverage.ts'
export { delegatesOnwards } from './delegates.ts'
export { createFamilies, type Families } from './families.ts'
export type { Family, FamilyStore } from './family-store.ts'
export type { DelegateEdges, Grant, GrantedMount, GrantStore } from './grant-store.ts'
export { type Consent, CONSENT_SECONDS_MAX, createGrants, type Grants } from './grants.ts'
