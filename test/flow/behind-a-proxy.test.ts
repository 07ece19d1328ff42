import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { build, type Service } from '../../service/src/main.ts'
import { CHALLENGE } from '../support/by-hand.ts'
import { freePorts } from '../support/ports.ts'
import { openProxy, type Proxy } from '../support/proxy.ts'
import { rpc, send } from '../support/wire.ts'

const publicUrl = 'https://tetrapod.example.com'
const agent = 'https://agent.example/callback'
const log = { info: () => {}, warn: () => {}, error: () => {} }

const text = (listen: string) => `
publicUrl: ${publicUrl}
${listen}
agents: { assistant: { redirect_uris: ['${agent}'], secret: env:SECRET } }
servers: { crm: { url: 'https://crm.example/mcp', scopes: { crm.read: Read }, tools: { '*': { scopes: [crm.read] } } } }
`

describe('a service behind a proxy that ends TLS', () => {
  let directory: string
  let service: Service
  let keeps: Proxy
  let changes: Proxy
  let ports: readonly number[]
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tetrapod-proxied-'))
    ports = await freePorts(3)
    const [own = 0, first = 0, second = 0] = ports
    service = await started(`listen: 127.0.0.1:${own}`)
    await service.listen()
    keeps = await openProxy({ port: first, targets: [own] })
    changes = await openProxy({ port: second, targets: [own], host: `127.0.0.1:${own}` })
  })
  afterAll(async () => {
    await Promise.all([keeps.close(), changes.close()])
    await service.close()
    await rm(directory, { recursive: true, force: true })
  })
  const started = (listen: string) =>
    build({
      config: { text: text(listen), environment: { SECRET: 'secret-0123456789' } },
      dataDirectory: directory,
      log,
    })
  /** What a browser or an agent asks at `publicUrl`, as it arrives from the proxy of this number. */
  const asked = (path: string, proxy: 1 | 2 = 1, headers: Record<string, string> = {}) =>
    send({
      method: 'GET',
      url: `http://127.0.0.1:${ports[proxy]}${path}`,
      headers: { host: new URL(publicUrl).host, ...headers },
    })

  test('names itself by its publicUrl in everything it says', async () => {
    const metadata = JSON.parse((await asked('/.well-known/oauth-authorization-server')).text) as object
    expect(metadata).toMatchObject({
      issuer: publicUrl,
      authorization_endpoint: `${publicUrl}/authorize`,
      token_endpoint: `${publicUrl}/token`,
    })
    const mount = rpc({
      url: `http://127.0.0.1:${ports[1]}/crm/mcp`,
      headers: { host: new URL(publicUrl).host },
    })
    const refused = await send(mount)
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toContain(`${publicUrl}/.well-known/oauth-protected-resource`)
  })

  test('sets every cookie for https alone, whatever the proxy says of the scheme', async () => {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'assistant',
      redirect_uri: agent,
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
      resource: `${publicUrl}/crm/mcp`,
      scope: 'crm.read',
    })
    const { status, headers } = await asked(`/authorize?${query.toString()}`, 1, {
      'x-forwarded-proto': 'http',
    })
    expect(status).toBe(303)
    const cookies = headers['set-cookie'] ?? []
    expect(cookies.length).toBeGreaterThan(0)
    for (const cookie of cookies) expect(cookie).toMatch(/; ?secure/i)
  })

  test('is not reached through one that changes Host, nor at the address it listens on', async () => {
    expect((await asked('/.well-known/oauth-authorization-server', 2)).status).toBe(403)
    const direct = await fetch(`http://127.0.0.1:${ports[0]}/.well-known/oauth-authorization-server`)
    expect(direct.status).toBe(403)
  })

  test('answers a load balancer that looks after it by its address', async () => {
    for (const path of ['/livez', '/readyz'])
      expect((await fetch(`http://127.0.0.1:${ports[0]}${path}`)).status).toBe(200)
  })

  test('does not start without being told where to listen', async () => {
    await expect(started('')).rejects.toMatchObject({ code: 'service.listen_missing' })
  })
})
