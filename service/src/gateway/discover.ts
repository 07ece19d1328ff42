import { sendJson } from '#http'
import { parseDiscoverParams } from './envelope.ts'
import type { Operation } from './operations.ts'
import { META_SERVER_INFO, SUPPORTED_VERSIONS } from './revision.ts'

const TTL_MS = 60_000

/** `server/discover`: what is really served here, for every server alike. It needs nothing of the upstream. */
export async function discover({ server, id, params, response }: Operation): Promise<void> {
  parseDiscoverParams(params)
  const result = {
    resultType: 'complete',
    supportedVersions: SUPPORTED_VERSIONS,
    capabilities: { tools: {} },
    ttlMs: TTL_MS,
    cacheScope: 'private',
    _meta: { [META_SERVER_INFO]: { name: server.key, title: server.name, version: '1' } },
  }
  sendJson(response, 200, { jsonrpc: '2.0', id, result })
}
