export { type AdminDeps, adminHandler } from './admin.ts'
