import type { HeldKeepers } from './access.ts'
import type { Keeper } from './keeper.ts'

/** In memory, one for each MCP URL and user. */
export function createHeldKeepers(): HeldKeepers {
  const keepers = new Map<string, Keeper>()
  const keyOf = (mcpUrl: string, user = '') => JSON.stringify([mcpUrl, user])
  return {
    get: (mcpUrl, user) => keepers.get(keyOf(mcpUrl, user)),
    set: (mcpUrl, keeper) => void keepers.set(keyOf(mcpUrl, keeper.user), keeper),
  }
}
