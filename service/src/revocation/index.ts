export type { RevocationEntry, RevocationKind, RevocationStore } from './revocation-store.ts'
