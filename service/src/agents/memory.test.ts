import { expect, test } from 'vitest'
import { hashed } from '#kernel'
import type { Revocation } from '#revocation'
import type { AgentRow } from './agent-store.ts'
import { createMemory } from './memory.ts'

/** A store that another replica writes too, and the feed that says so. */
function replica() {
  const rows = new Map<string, AgentRow>()
  const listeners: Parameters<Revocation['listen']>[0][] = []
  const reads: string[] = []
  const find = async (id: string) => {
    reads.push(id)
    return rows.get(id)
  }
  const memory = createMemory(find, { listen: (listener) => (listeners.push(listener), () => {}) })
  const put = (id: string, name: string) =>
    rows.set(id, {
      id,
      kind: 'registered',
      name,
      metadata: {},
      createdAt: 1,
      usedAt: undefined,
      disabledAt: undefined,
    })
  const hear = (kind: string, id: string) => {
    for (const each of listeners) each.heard({ kind, idHash: hashed(id), at: 1, expiresAt: 2 })
  }
  const miss = () => {
    for (const each of listeners) each.missed()
  }
  const name = async (id: string) => (await memory.read(id, false))?.name
  return { memory, put, hear, miss, name, reads, rows }
}

test.each(['agent', 'agent_version'])(
  'what the feed says has changed is read again: %s; and nothing else is',
  async (kind) => {
    const { put, hear, name, reads } = replica()
    for (const id of ['a', 'b']) {
      put(id, 'old')
      await name(id)
      put(id, 'new')
    }
    hear(kind, 'a')
    hear('grant', 'b')
    expect([await name('a'), await name('b')]).toEqual(['new', 'old'])
    expect(reads).toEqual(['a', 'b', 'a'])
  },
)

test('where entries may have been missed, everything is read again', async () => {
  const { put, miss, name } = replica()
  put('a', 'old')
  await name('a')
  put('a', 'new')
  miss()
  expect(await name('a')).toBe('new')
})

test('an agent that was asked for before it registered elsewhere is known as soon as it has', async () => {
  const { put, name } = replica()
  expect(await name('a')).toBeUndefined()
  put('a', 'new')
  expect(await name('a')).toBe('new')
})

test('that there is none is remembered where the feed would tell, so that no call waits for the database', async () => {
  const { memory, reads, hear } = replica()
  for (let n = 0; n < 3; n++) expect(await memory.read('assistant', true)).toBeUndefined()
  expect(reads).toHaveLength(1)
  hear('agent', 'assistant')
  await memory.read('assistant', true)
  expect(reads).toHaveLength(2)
})

test('what was read while it changed is not remembered', async () => {
  const { memory, put, hear, name } = replica()
  put('a', 'old')
  const reading = memory.read('a', false)
  hear('agent', 'a')
  expect((await reading)?.name).toBe('old')
  put('a', 'new')
  expect(await name('a')).toBe('new')
})
