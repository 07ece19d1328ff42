export type { Client } from './client-authentication.ts'
export { statementChecker } from './software-statement.ts'
export { oauthRoutes, type OAuthDeps } from './oauth.ts'
export type { ReplayStore, StateRow, StateStore } from './state-store.ts'
