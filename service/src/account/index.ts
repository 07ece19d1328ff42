export { type AccountDeps, accountPages } from './account.ts'
