export type { Client } from './client-authentication.ts'
export { oauthRoutes, type OAuthDeps } from './oauth.ts'
export type { ReplayStore, StateRow, StateStore } from './state-store.ts'
