import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ClientKey, generateClientKey, publicJwks } from '@tetrapod/agent-sdk'
import type { Amend } from './world.ts'

/** Agents of the catalogue that no user ever sees: each has a key, and none a redirect URI. */
export interface Team extends AsyncDisposable {
  /** By the key of the agent. */
  readonly keys: Readonly<Record<string, ClientKey>>
  /**
   * Writes them into a configuration, with whom each of them and the agent `assistant` hands to. What is undefined is not
   * written.
   */
  readonly hired: (delegates?: Delegates) => Amend
}

/** Whom each agent hands to. */
export type Delegates = Readonly<Record<string, readonly string[] | undefined>>

/** `assistant` hands to `researcher`, which hands to `fetcher`; nobody hands to the others. */
export const usual: Delegates = { assistant: ['researcher'], researcher: ['fetcher'] }

/** Brings up what publishes the keys of these agents. */
export async function hireTeam(names: readonly string[]): Promise<Team> {
  const keys = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await generateClientKey()] as const)),
  )
  const published = createServer(({ url = '' }, response) => {
    const key = keys[url.slice(1)]
    response.writeHead(key === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(key === undefined ? {} : publicJwks(key)))
  })
  await new Promise<void>((resolve) => published.listen(0, '127.0.0.1', resolve))
  const { port } = published.address() as AddressInfo
  const line = (name: string, delegates: Delegates) =>
    `  ${name}: { name: The ${name}, jwks_uri: "http://127.0.0.1:${port}/${name}", exchange: true${handsTo(delegates[name])} }`
  return {
    keys,
    hired:
      (delegates = usual) =>
      (text) =>
        text
          .replace('agents:\n', `agents:\n${names.map((name) => line(name, delegates)).join('\n')}\n`)
          .replace(
            '    name: Test assistant\n',
            `    name: Test assistant\n    exchange: true\n    delegates: [${(delegates['assistant'] ?? []).join(', ')}]\n`,
          ),
    async [Symbol.asyncDispose]() {
      published.closeAllConnections()
      await new Promise((resolve) => published.close(resolve))
    },
  }
}

function handsTo(delegates: readonly string[] = []): string {
  return delegates.length === 0 ? '' : `, delegates: [${delegates.join(', ')}]`
}
