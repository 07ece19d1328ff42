export { createFeed, type Feed, type FeedPage } from './feed.ts'
export { openRevocation, type Revocable, type Revocation } from './revocation.ts'
export type { PlacedEntry, RevocationEntry, RevocationKind, RevocationStore } from './revocation-store.ts'
