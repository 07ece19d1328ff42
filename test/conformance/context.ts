import type { ClientKey, RegisteredClient } from '@tetrapod/agent-sdk'
import { calculateJwkThumbprint, exportJWK, importPKCS8 } from 'jose'
import { z } from 'zod'

const schema = z.object({
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  issuer: z.string().optional(),
  private_key_pem: z.string().optional(),
  toolCalls: z.array(z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) })).optional(),
})

/** What the suite tells the client of one scenario beside the URL. */
export type Context = z.infer<typeof schema>

export function contextFrom(text: string | undefined): Context {
  return schema.parse(JSON.parse(text ?? '{}'))
}

/** How the agent is registered, where the suite says that it is. `findIssuer` finds the server of a secret without one. */
export async function registeredClient(
  { client_id: id, client_secret: secret, private_key_pem: pem, issuer: named }: Context,
  findIssuer?: () => Promise<string>,
): Promise<RegisteredClient | undefined> {
  if (id === undefined) return undefined
  if (pem !== undefined) return { id, key: await keyFrom(pem) }
  const issuer = named ?? (await findIssuer?.())
  return secret === undefined || issuer === undefined ? undefined : { id, secret, issuer }
}

/** What the operator of a real agent was told when it was registered. */
export async function issuerOf(mcpUrl: string): Promise<string> {
  const { origin, pathname } = new URL(mcpUrl)
  const response = await fetch(`${origin}/.well-known/oauth-protected-resource${pathname}`)
  const schema = z.object({ authorization_servers: z.tuple([z.string()]) })
  return schema.parse(await response.json()).authorization_servers[0]
}

async function keyFrom(pem: string): Promise<ClientKey> {
  const { x = '', y = '', d = '' } = await exportJWK(await importPKCS8(pem, 'ES256', { extractable: true }))
  const key = { kty: 'EC', crv: 'P-256', x, y, d } as const
  return { ...key, kid: await calculateJwkThumbprint(key) }
}
