export { type AccountDeps, accountPages, connectPath } from './account.ts'
