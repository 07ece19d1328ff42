export type { Api } from './api.ts'
export { type Apis, createApis } from './apis.ts'
