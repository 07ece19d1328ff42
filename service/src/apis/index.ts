export type { Api, Authentication } from './api.ts'
export { type Apis, createApis } from './apis.ts'
