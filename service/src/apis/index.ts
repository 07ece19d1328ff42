export type { Api } from './api.ts'
