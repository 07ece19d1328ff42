import { expect, test } from 'vitest'
import type { Wanted } from '#egress'
import { createDocuments } from './documents.ts'

const ID = 'https://agents.example/client.json'
const described = (id: string) => ({
  status: 200,
  headers: {},
  body: Buffer.from(
    JSON.stringify({
      client_id: id,
      redirect_uris: ['https://agents.example/cb'],
      token_endpoint_auth_method: 'none',
    }),
  ),
})
const nothing = { status: 404, headers: {}, body: Buffer.from('') }

function setUp({ met = [] }: { readonly met?: readonly string[] } = {}) {
  const clock = { ms: 1_800_000_000_000, now: () => clock.ms }
  const asked: string[] = []
  const served = new Map([[ID, described(ID)]])
  const documents = createDocuments({
    hosts: () => [{ host: 'agents.example', private: false }],
    discovered: {
      async get({ url }: Wanted) {
        asked.push(url)
        return served.get(url) ?? nothing
      },
    },
    met: async (id) => met.includes(id),
    clock,
  })
  const outcome = (id = ID) =>
    documents.find(id).then(
      () => 'found',
      (error: { code: string }) => error.code,
    )
  const invent = async (count: number) => {
    for (let n = 0; n < count; n++) await outcome(`https://agents.example/none-${n}`)
  }
  return { clock, asked, served, outcome, invent }
}

test('an id that was refused is not asked for again within a minute, and is found after it', async () => {
  const { clock, asked, served, outcome } = setUp()
  const id = 'https://agents.example/later.json'
  for (let n = 0; n < 50; n++) expect(await outcome(id)).toBe('agents.document_refused')
  expect(asked).toHaveLength(1)
  served.set(id, described(id))
  clock.ms += 60_000
  expect(await outcome(id)).toBe('found')
})

test('an id that cannot be reached is not asked for again within five seconds', async () => {
  const { clock, asked, served, outcome } = setUp()
  served.set(ID, { ...nothing, status: 503 })
  for (let n = 0; n < 50; n++) expect(await outcome()).toBe('agents.document_unreachable')
  expect(asked).toHaveLength(1)
  served.set(ID, described(ID))
  clock.ms += 5_000
  expect(await outcome()).toBe('found')
})

test('to be told that a host was asked too often is no failure of the id', async () => {
  const { clock, outcome, invent } = setUp()
  await invent(20)
  expect(await outcome()).toBe('agents.document_unreachable')
  clock.ms += 2_000
  expect(await outcome()).toBe('found')
})

test('an agent that a store knows is found however many ids of its host are invented', async () => {
  const { asked, outcome, invent } = setUp({ met: [ID] })
  await invent(100)
  expect(asked).toHaveLength(20)
  expect(await outcome()).toBe('found')
})

test('so is one whose document was good once in this process', async () => {
  const { clock, outcome, invent } = setUp()
  expect(await outcome()).toBe('found')
  clock.ms += 25 * 3600_000 + 3600_000
  await invent(100)
  expect(await outcome('https://agents.example/stranger.json')).toBe('agents.document_unreachable')
  expect(await outcome()).toBe('found')
})
