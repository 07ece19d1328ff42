import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import express from 'express'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { VerifiedAuth } from './admission.ts'
import { callerOf } from './caller.ts'
import { protect, type Protection } from './protect.ts'
import { ask, type Endpoint, goodToken, refusals, revoke } from './test-refusals.ts'
import { listen, testIssuer } from './test-server.ts'

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

/** Who calls, for a caller that holds `crm.read` and, at that, every scope that is named. */
function greeting(source: unknown): string {
  const caller = callerOf(source)
  caller.requireScopes('crm.read')
  return `hello ${caller.user.id}`
}

const frameworks: Readonly<Record<string, (crm: Protection) => Listener>> = {
  'node:http': (crm) => crm.guard((request, response) => response.end(greeting(request))),
  Express: (crm) => {
    const app = express().use(crm.middleware())
    app.use((request, response) => void response.end(greeting(request)))
    return app
  },
  'a router of Express': (crm) => {
    const app = express()
    app.use(['/mcp', '/.well-known', '/'], crm.middleware())
    app.post('/mcp', (request, response) => void response.end(greeting(request)))
    return app
  },
  'the Fetch standard': (crm) =>
    getRequestListener(crm.web((_request, auth) => new Response(greeting({ auth })))),
  Hono: (crm) => {
    const app = new Hono<{ Bindings: { auth: VerifiedAuth } }>()
    app.all('*', (c) => c.text(greeting(c.env)))
    return getRequestListener(crm.web((request, auth) => app.fetch(request, { auth })))
  },
}

async function served(framework: (crm: Protection) => Listener): Promise<Endpoint> {
  const issuer = await testIssuer()
  revoke(issuer)
  const late: { listener?: Listener } = {}
  const origin = await listen((request, response) => late.listener?.(request, response))
  const resource = `${origin}/mcp`
  const client = { id: 'crm', secret: 'hunter2' }
  const crm = protect({ issuer: issuer.issuer, resource, scopes: ['crm.read', 'crm.write'], client })
  onTestFinished(crm.close)
  late.listener = framework(crm)
  return { issuer, resource }
}

describe.each(Object.entries(frameworks))('under %s', (_, framework) => {
  test('a good token is let in, and the handler knows who calls', async () => {
    const endpoint = await served(framework)
    expect(await ask(endpoint, await goodToken(endpoint))).toMatchObject({ status: 200, body: 'hello u1' })
    expect(await ask(endpoint, await goodToken(endpoint), { path: '?a=b' })).toMatchObject({ status: 200 })
  })

  test.each(refusals)('$name: $status', async ({ sent, path, method, status, challenge }) => {
    const endpoint = await served(framework)
    const answer = await ask(endpoint, await sent(endpoint), {
      ...(path && { path }),
      ...(method && { method }),
    })
    expect(answer.status).toBe(status)
    if (challenge === undefined) expect(answer.challenge).toBeUndefined()
    else expect(answer.challenge).toContain(challenge)
    expect(answer.body).not.toContain('hello')
  })

  test('a scope that is missing is named in the challenge', async () => {
    const endpoint = await served(framework)
    const { status, challenge } = await ask(endpoint, await goodToken(endpoint, 'crm.write'))
    const metadata = endpoint.resource.replace('/mcp', '/.well-known/oauth-protected-resource/mcp')
    expect(status).toBe(403)
    expect(challenge).toBe(
      `Bearer error="insufficient_scope", scope="crm.read", resource_metadata="${metadata}"`,
    )
  })

  test('the metadata is served, whatever Host says', async () => {
    const endpoint = await served(framework)
    const path = '/.well-known/oauth-protected-resource/mcp'
    const { status, body } = await ask(endpoint, [], { path, method: 'GET' })
    expect(status).toBe(200)
    expect(JSON.parse(body)).toMatchObject({
      resource: endpoint.resource,
      authorization_servers: [endpoint.issuer.issuer],
    })
    expect(body).not.toContain('evil.example')
  })
})
