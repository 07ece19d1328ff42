import { describe, expect, test } from 'vitest'
import { own } from '#kernel'
import { type DelegateEdges, delegatesOnwards } from './index.ts'

const onwards = (agent: string, edges: DelegateEdges) =>
  delegatesOnwards(agent, (from) => own(edges, from) ?? [])

describe('who may hand to whom, from an agent onwards,', () => {
  test('is its sub-agents and theirs, and nobody who is not reached', () => {
    const edges = {
      planner: ['researcher', 'writer'],
      researcher: ['fetcher'],
      other: ['fetcher', 'planner'],
    }
    expect(onwards('planner', edges)).toEqual({ planner: ['researcher', 'writer'], researcher: ['fetcher'] })
    expect(onwards('fetcher', edges)).toEqual({})
  })

  test('ends where it goes in circles, and never comes back to the agent', () => {
    const edges = { a: ['b'], b: ['a', 'c'], c: ['b', 'a'] }
    expect(onwards('a', edges)).toEqual({ a: ['b'], b: ['c'], c: ['b'] })
    expect(onwards('a', { a: ['b'], b: ['a'] })).toEqual({ a: ['b'] })
  })

  test('counts the names as they are', () => {
    expect(onwards('__proto__', { ['__proto__']: ['constructor'] })).toEqual({
      ['__proto__']: ['constructor'],
    })
    expect(onwards('constructor', {})).toEqual({})
  })
})
