import { html } from 'hono/html'
import { describe, expect, test } from 'vitest'
import { textOf } from '../demo/src/walk/html-forms.ts'
import type { NamedBy } from '../service/src/agents/index.ts'
import { consentPage } from '../service/src/oauth/consent-page.ts'
import type { Receiver } from '../service/src/oauth/receiver.ts'
import type { Server } from '../service/src/servers/index.ts'

const host: Receiver = { kind: 'host', host: 'agent.example' }
const scope = { scope: 'crm.read', words: 'Read your customers', reaches: [] }
const server: Server = {
  key: 'crm',
  name: 'Customers',
  url: 'https://crm.example/mcp',
  mount: 'https://gw.example/crm/mcp',
  internal: false,
  upstream: { pattern: 'token_exchange' },
  credential: undefined,
  calls: {},
  scopes: {},
  tools: {},
}
interface Told {
  readonly name?: string
  readonly namedBy?: NamedBy
  readonly receiver?: Receiver
  readonly user?: string
}

async function shown({
  name = 'Agent',
  namedBy = { kind: 'catalogue' },
  receiver = host,
  user = 'Alice',
}: Told = {}) {
  const choice = { scopes: new Set(['crm.read']), delegates: new Set<string>(), lastsSeconds: 3600 }
  const form = { action: '/interaction/x', ticket: 't', choice, footer: html`` }
  const subjectId = { format: 'iss_sub', iss: 'i', sub: 's' } as const
  const body = await consentPage(form, {
    agent: { id: 'a', name, namedBy },
    receiver,
    user: { id: 'u1', subjectId, name: user, groups: [], linked: {} },
    server,
    shown: [scope],
    kept: [],
    handovers: [],
  })
  return { body: String(body), text: textOf(String(body)) }
}

describe('the consent page says whose word the name is:', () => {
  test.each<[NamedBy, string]>([
    [{ kind: 'catalogue' }, 'Named by your administrator.'],
    [{ kind: 'registered' }, 'It gave itself this name, and nobody has checked it.'],
    [{ kind: 'document', host: 'claude.ai', listed: true }, 'It comes from claude.ai You are'],
    [
      { kind: 'document', host: 'evil.example', listed: false },
      'It comes from evil.example Nobody here has checked it. Its name is its own word.',
    ],
  ])('%j', async (namedBy, sentence) => {
    expect((await shown({ namedBy })).text).toContain(sentence)
  })
})

describe('the consent page says who hears the answer:', () => {
  const warnings = /Any program on this computer|Whichever app on this device/

  test('a host, without a warning', async () => {
    const { text } = await shown()
    expect(text).toContain('The answer goes to agent.example')
    expect(text).not.toMatch(warnings)
  })

  test('this machine, with a warning where the agent has no other address', async () => {
    const local = { kind: 'this machine', host: '127.0.0.1:4000' } as const
    const { text } = await shown({ receiver: { ...local, only: true } })
    expect(text).toContain('The answer goes to 127.0.0.1:4000 Any program on this computer can receive it')
    const other = await shown({ receiver: { ...local, only: false } })
    expect(other.text).toContain('The answer goes to 127.0.0.1:4000')
    expect(other.text).not.toMatch(warnings)
  })

  test('whichever app takes such links, with a warning', async () => {
    const { text } = await shown({ receiver: { kind: 'app', scheme: 'cursor:' } })
    expect(text).toContain('apps that open cursor: links Whichever app on this device opens cursor: links')
  })
})

test('names are text, and turn nothing around them', async () => {
  const { body } = await shown({ name: '<b>x</b>', user: 'عليس' })
  expect(body).not.toContain('<b>')
  expect(body).toContain('<bdi>&lt;b&gt;x&lt;/b&gt;</bdi>')
  expect(body).toContain('<bdi>عليس</bdi>')
})
