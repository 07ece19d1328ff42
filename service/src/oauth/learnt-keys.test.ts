import { expect, test } from 'vitest'
import type { DiscoveredAnswer, Wanted } from '#egress'
import { createLearntKeys } from './learnt-keys.ts'

const URL_ = 'https://agent.example/jwks'
const SET = '{"keys":[]}'
const answer = (body: string, status = 200): DiscoveredAnswer => ({
  status,
  headers: {},
  body: Buffer.from(body),
})

function setUp(get: (wanted: Wanted) => Promise<DiscoveredAnswer> = async () => answer(SET)) {
  const clock = { ms: 1_800_000_000_000, now: () => clock.ms }
  const asked: string[] = []
  const state = { get }
  const discovered = {
    get(wanted: Wanted) {
      asked.push(wanted.url)
      return state.get(wanted)
    },
  }
  const keys = createLearntKeys({ discovered, clock })
  const outcome = (url = URL_, listed?: { host: string; private: boolean }) =>
    keys({ url, listed }).then(String, (error: { code: string }) => error.code)
  return { clock, asked, state, outcome }
}

test.each<[string, () => Promise<DiscoveredAnswer>]>([
  ['cannot be reached', () => Promise.reject(new Error('refused'))],
  ['answers with an error', async () => answer(SET, 404)],
  ['answers something else', async () => answer('<html>')],
  ['answers without keys', async () => answer('{}')],
])('a host that %s is asked once a minute, however many assertions come', async (_, get) => {
  const { clock, asked, state, outcome } = setUp(get)
  for (let n = 0; n < 200; n++) expect(await outcome()).toBe('oauth.key_set_unreachable')
  expect(asked).toHaveLength(1)
  state.get = async () => answer(SET)
  clock.ms += 60_000
  expect(await outcome()).toBe(SET)
})

test('a good set is fetched once in 30 s, and a rotated key is found after that', async () => {
  const { clock, asked, state, outcome } = setUp()
  for (let n = 0; n < 200; n++) expect(await outcome()).toBe(SET)
  expect(asked).toHaveLength(1)
  state.get = async () => answer('{"keys":[{"kid":"next"}]}')
  clock.ms += 30_000
  expect(await outcome()).toContain('next')
})

test('requests at the same moment share one fetch, whether it goes well or not', async () => {
  for (const get of [async () => answer(SET), () => Promise.reject(new Error('refused'))]) {
    const { asked, outcome } = setUp(get)
    await Promise.all(Array.from({ length: 50 }, () => outcome()))
    expect(asked).toHaveLength(1)
  }
})

test('a host is asked so often, at whatever addresses, and another host beside it is asked', async () => {
  const { clock, asked, outcome } = setUp()
  for (let n = 0; n < 200; n++) await outcome(`${URL_}?${n}`)
  expect(asked).toHaveLength(20)
  expect(await outcome('https://honest.example/jwks')).toBe(SET)
  clock.ms += 2000
  expect(await outcome(`${URL_}?200`)).toBe(SET)
})

test('all hosts together are asked so often', async () => {
  const { asked, outcome } = setUp()
  for (let n = 0; n < 300; n++) await outcome(`https://h${n}.example/jwks`)
  expect(asked).toHaveLength(100)
})

test('addresses that others wrote down do not use up what an agent with its keys at its listed host needs', async () => {
  const { outcome } = setUp()
  for (let n = 0; n < 200; n++) await outcome(`${URL_}?${n}`)
  expect(await outcome(URL_)).toBe('oauth.key_set_unreachable')
  expect(await outcome(URL_, { host: 'agent.example', private: false })).toBe(SET)
})

test('what an agent may reach at its private host is not read to another, nor is the refusal of the other kept for it', async () => {
  const { outcome } = setUp(({ listed }) =>
    listed?.private === true ? Promise.resolve(answer(SET)) : Promise.reject(new Error('refused')),
  )
  const own = { host: 'agent.example', private: true }
  expect(await outcome()).toBe('oauth.key_set_unreachable')
  expect(await outcome(URL_, own)).toBe(SET)
  expect(await outcome()).toBe('oauth.key_set_unreachable')
})
