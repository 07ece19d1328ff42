import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type CryptoKey, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'

/** Stands in for Tetrapod where the company's servers are tested alone: signs what it is asked to. */
export interface TestIssuer {
  readonly url: string
  /** A token for `audience` that `username` lets the assistant use, as the gateway would send it. */
  token(username: string, audience: string, scope: string): Promise<string>
  /** The forms that came to the token endpoint. */
  readonly exchanges: readonly URLSearchParams[]
}

export async function testIssuer(started: Server[], payroll: () => string): Promise<TestIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }]
  const exchanges: URLSearchParams[] = []
  const url: string = await listen(started, (request, response) => {
    const answers: Readonly<Record<string, () => Promise<object> | object>> = {
      '/.well-known/oauth-authorization-server': () => ({
        issuer: url,
        jwks_uri: `${url}/jwks`,
        token_endpoint: `${url}/token`,
      }),
      '/jwks': () => ({ keys }),
      '/revocations': () => ({ sequence: 0, entries: [] }),
      '/token': async () => {
        const form = new URLSearchParams(await text(request))
        exchanges.push(form)
        return exchanged(form, payroll(), privateKey)
      },
    }
    void Promise.resolve(answers[request.url?.split('?')[0] ?? '']?.()).then((body) =>
      response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    )
  })
  const token = (username: string, aud: string, scope: string) =>
    sign(claimsOf(url, username, aud, scope), privateKey)
  return { url, token, exchanges }
}

/** Listens on a free port of this machine; the server ends with the others in `started`. */
export async function listen(started: Server[], listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  started.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function claimsOf(iss: string, username: string, aud: string, scope: string): Record<string, unknown> {
  const mount = `${iss}/crm/mcp`
  return {
    aud,
    scope,
    iss,
    sub: `id-${username}`,
    sub_id: { format: 'iss_sub', iss, sub: username },
    client_id: 'gateway',
    jti: `t2-${username}`,
    txn: `txn-${username}`,
    auth_time: 1_000_000,
    acr: 'password',
    sid: 's1',
    act: { iss, sub: mount, client_id: 'gateway', act: { iss, sub: 'assistant' } },
    dlg: { gid: 'g1', hop: 2, rem: 6, anc: ['f1', 't1'] },
  }
}

async function exchanged(form: URLSearchParams, aud: string, key: CryptoKey): Promise<object> {
  const received = decodeJwt(form.get('subject_token') ?? '')
  const access_token = await sign(
    {
      ...received,
      aud,
      client_id: 'crm',
      jti: `t3-${received.jti}`,
      scope: form.get('scope'),
      act: { iss: received.iss, sub: 'crm', act: received['act'] },
      dlg: { gid: 'g1', hop: 3, rem: 5, anc: ['f1', 't1', received.jti] },
    },
    key,
  )
  return {
    access_token,
    token_type: 'Bearer',
    expires_in: 300,
    scope: form.get('scope'),
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  }
}

function sign(claims: Record<string, unknown>, key: CryptoKey): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k1' })
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key)
}
