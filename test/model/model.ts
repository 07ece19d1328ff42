/*
 * Who may do what, as docs/delegation.md, consent-and-grants.md, revocation.md and lifetimes.md say it, and nothing of how the
 * service does it. Times in milliseconds, but for what tokens carry.
 */
export * from './state.ts'
export * from './logins.ts'
export * from './standing.ts'
export * from './exchanges.ts'
export * from './ends.ts'
