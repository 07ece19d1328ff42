export type { Account, AccountStore } from './account-store.ts'
export type { Session, SessionStore } from './session-store.ts'
export type { BuiltInUser, User } from './user.ts'
