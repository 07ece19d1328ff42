/** One party of `exchange.ts`, in a process of its own: Tetrapod, or the bare endpoint that does the same duty. */
import {
  GRANT_TOKEN_EXCHANGE,
  nowSeconds,
  systemClock,
  TOKEN_TYPE_ACCESS_TOKEN,
  TYP_ACCESS_TOKEN,
} from '@tetrapod/protocol'
import { type ClientKey, generateClientKey, importClientKey } from '@tetrapod/server-sdk'
import { importJWK, SignJWT } from 'jose'
import { clientAuthentication } from '../server-sdk/src/client.ts'
import { officialClient } from '../test/support/by-hand.ts'
import { openWorld } from '../test/support/world.ts'
import { openBare } from './exchange-bare.ts'

export type Asked = { readonly prepare: number } | 'cpu'

/** Exchanges that can be asked for once each, within the next minute. */
export interface Prepared {
  readonly url: string
  readonly bodies: readonly string[]
}

interface Party {
  readonly issuer: string
  readonly key: ClientKey
  /** A token 2 that was just given. */
  subjectToken(): Promise<string>
  close(): Promise<void>
}

const [role, database] = process.argv.slice(2)
const party = role === 'tetrapod' ? await tetrapod() : await bare()
process.on('message', (asked: Asked) => {
  if (asked === 'cpu') {
    const { user, system } = process.cpuUsage()
    process.send?.(user + system)
  } else void prepare(asked.prepare).then((prepared) => process.send?.(prepared))
})
process.once('disconnect', () => void party.close())

async function prepare(count: number): Promise<Prepared> {
  const { issuer, key, subjectToken } = party
  const asked = {
    grant_type: GRANT_TOKEN_EXCHANGE,
    subject_token: await subjectToken(),
    subject_token_type: TOKEN_TYPE_ACCESS_TOKEN,
    requested_token_type: TOKEN_TYPE_ACCESS_TOKEN,
    audience: 'payroll',
    scope: 'payroll.read',
  }
  const bodies: string[] = []
  while (bodies.length < count) {
    const proof = await clientAuthentication({ id: 'crm', key }, issuer, systemClock)
    bodies.push(new URLSearchParams({ ...asked, ...proof }).toString())
  }
  return { url: `${issuer}/token`, bodies }
}

async function tetrapod(): Promise<Party> {
  const world = await openWorld({ database })
  return {
    issuer: world.publicUrl,
    key: world.crmKey,
    async subjectToken() {
      const client = await officialClient(world.mount('crm'), (await world.signIn('alice')).token() ?? '')
      await client.callTool({ name: 'my_commission', arguments: {} })
      await client.close()
      return world.lastToken('crm')
    },
    close: () => world.close(),
  }
}

async function bare(): Promise<Party> {
  const jwk = await generateClientKey()
  const clientKey = await importClientKey(await generateClientKey())
  const { issuer, close } = await openBare({ jwk, client: clientKey.publicJwk, database })
  const privateKey = await importJWK(jwk, 'ES256')
  return {
    issuer,
    key: clientKey,
    async subjectToken() {
      const now = nowSeconds(systemClock)
      return new SignJWT({
        client_id: 'gateway',
        jti: crypto.randomUUID(),
        scope: 'crm.read',
        act: { iss: issuer, sub: `${issuer}/crm/mcp`, act: { iss: issuer, sub: 'assistant' } },
      })
        .setProtectedHeader({ alg: 'ES256', typ: TYP_ACCESS_TOKEN, kid: String(jwk.kid) })
        .setIssuer(issuer)
        .setAudience('crm')
        .setSubject('alice')
        .setIssuedAt(now)
        .setExpirationTime(now + 300)
        .sign(privateKey)
    },
    close,
  }
}
