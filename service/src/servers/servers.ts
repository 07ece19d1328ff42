import type { Server } from './server.ts'
import { scopesOfTools } from './tool-scopes.ts'

/** The MCP servers behind the gateway. */
export interface Servers {
  readonly all: readonly Server[]
  find(key: string): Server | undefined
  /** By the audience of token 1: the gateway's resource for the server. */
  byMount(mount: string): Server | undefined
  /** The scopes a tool needs; undefined for a tool that the catalogue does not know: such a tool does not exist for callers. */
  toolScopes(server: Server, tool: string): readonly string[] | undefined
}

export function createServers(servers: readonly Server[]): Servers {
  const byKey = new Map(servers.map((server) => [server.key, server]))
  const byMount = new Map(servers.map((server) => [server.mount, server]))
  const scopes = new Map(servers.map((server) => [server.key, scopesOfTools(server.tools)]))
  return {
    all: servers,
    find: (key) => byKey.get(key),
    byMount: (mount) => byMount.get(mount),
    toolScopes: (server, tool) => scopes.get(server.key)?.(tool),
  }
}
