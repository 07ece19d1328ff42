import type { Scopes } from '@tetrapod/protocol'
import { hashed } from '#kernel'
import type { Revocation } from '#revocation'
import type { Server } from './server.ts'
import type { Servers } from './servers.ts'
import type { StepUpStore } from './step-up-store.ts'

/** Of so many tools of a server it is remembered what they named: no server fills the disk. */
export const TOOLS_MAX = 1000

/**
 * Which scopes a tool needs beyond those of the catalogue, as its server said when it could not go on. It gives nobody a
 * scope: token 2 carries those among them that its caller holds anyway (DESIGN §1).
 */
export interface StepUps {
  /** What this tool has named, here or at another replica, as far as the server still has such scopes. */
  named(server: Server, tool: string): Promise<Scopes>
  /**
   * Takes what a tool names: durable when it resolves, and costs nothing where it is known. False, and nothing remembered,
   * unless the catalogue has the tool and every one of the scopes at this very server. Beyond {@link TOOLS_MAX} tools
   * nothing more is remembered.
   */
  accept(server: Server, tool: string, scopes: Scopes): Promise<boolean>
}

export interface StepUpsDeps {
  readonly store: StepUpStore
  readonly servers: Pick<Servers, 'toolScopes'>
  readonly revocation: Pick<Revocation, 'entry' | 'learn' | 'listen'>
}

type Tools = ReadonlyMap<string, Scopes>

export function createStepUps({ store, servers, revocation }: StepUpsDeps): StepUps {
  const remembered = new Map<string, Promise<Tools>>()
  const toolsAt = (server: string): Promise<Tools> => {
    const known = remembered.get(server)
    if (known !== undefined) return known
    const reading = store.namedAt(server).then(byTool)
    remembered.set(server, reading)
    // What could not be read is read again the next time.
    reading.catch(() => {
      if (remembered.get(server) === reading) remembered.delete(server)
    })
    return reading
  }
  revocation.listen({
    heard({ kind, idHash }) {
      if (kind !== 'tool_scopes') return
      for (const server of remembered.keys()) if (hashed(server) === idHash) remembered.delete(server)
    },
    missed: () => remembered.clear(),
  })

  return {
    async named(server, tool) {
      const scopes = (await toolsAt(server.key)).get(tool) ?? new Set<string>()
      return new Set([...scopes].filter((scope) => Object.hasOwn(server.scopes, scope)))
    },
    async accept(server, tool, scopes) {
      const ours = [...scopes].every((scope) => Object.hasOwn(server.scopes, scope))
      if (!ours || servers.toolScopes(server, tool) === undefined) return false
      const tools = await toolsAt(server.key)
      const known = tools.get(tool)
      if (known === undefined && tools.size >= TOOLS_MAX) return true
      const fresh = [...scopes].filter((scope) => known?.has(scope) !== true)
      if (fresh.length === 0) return true
      const entry = revocation.entry('tool_scopes', server.key)
      const named = fresh.map((scope) => ({ tool, scope }))
      if (await store.add(server.key, named, entry)) revocation.learn(entry)
      // Another replica wrote it and the feed has not said so yet.
      else remembered.delete(server.key)
      return true
    },
  }
}

function byTool(named: Awaited<ReturnType<StepUpStore['namedAt']>>): Tools {
  const tools = Map.groupBy(named, ({ tool }) => tool)
  return new Map([...tools].map(([tool, rows]) => [tool, new Set(rows.map(({ scope }) => scope))]))
}
