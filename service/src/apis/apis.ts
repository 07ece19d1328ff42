import type { Api } from './api.ts'

/** The APIs behind the servers. */
export interface Apis {
  find(key: string): Api | undefined
  byResource(resource: string): Api | undefined
}

export function createApis(apis: readonly Api[]): Apis {
  const byKey = new Map(apis.map((api) => [api.key, api]))
  const byResource = new Map(apis.map((api) => [api.resource, api]))
  return { find: (key) => byKey.get(key), byResource: (resource) => byResource.get(resource) }
}
