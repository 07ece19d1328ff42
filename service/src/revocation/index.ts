export { openRevocation, type Revocation } from './revocation.ts'
export type { RevocationEntry, RevocationKind, RevocationStore } from './revocation-store.ts'
