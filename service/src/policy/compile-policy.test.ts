import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compilePolicy } from './compile-policy.ts'
import type { Decision, PolicySubject, PolicyTarget, Rule, RuleTerms } from './rule.ts'

type Draft = Omit<Rule, 'id'>

const alice: PolicySubject = {
  user: 'u1',
  username: 'alice',
  groups: ['sales'],
  agents: ['assistant'],
  unlisted: [],
}
const find: PolicyTarget = { kind: 'tool', server: 'crm', tool: 'find_customer' }
const payroll: PolicyTarget = { kind: 'api', server: 'crm', api: 'payroll' }
const denied: Decision = { effect: 'deny', rule: undefined }

describe('a policy', () => {
  test('without rules denies, and says that no rule permits', () => {
    expect(decide([], alice, find)).toEqual(denied)
    expect(decide([], alice, payroll)).toEqual(denied)
  })

  test('names the first permit that matches', () => {
    const rules = [permit({ users: ['bob'] }), permit({ tools: ['find_*'] }), permit({ servers: ['crm'] })]
    expect(decide(rules, alice, find)).toEqual({ effect: 'permit', rule: 'policies[2]' })
  })

  test('lets a forbid win over any permit, before or after it', () => {
    const no = forbid({ tools: ['find_customer'] })
    expect(decide([permit({}), no], alice, find)).toEqual({ effect: 'deny', rule: 'policies[2]' })
    expect(decide([no, permit({})], alice, find)).toEqual({ effect: 'deny', rule: 'policies[1]' })
  })

  test('knows a user by name and by account id, and nobody by half a name', () => {
    expect(decide([permit({ users: ['alice'] })], alice, find).effect).toBe('permit')
    expect(decide([permit({ users: ['u1'] })], alice, find).effect).toBe('permit')
    expect(decide([permit({ users: ['ali*', 'Alice', 'al'] })], alice, find)).toEqual(denied)
  })

  test('reads `*` in tools alone', () => {
    for (const list of ['users', 'groups', 'agents', 'servers'])
      expect(decide([permit({ [list]: ['*'] })], alice, find)).toEqual(denied)
    expect(decide([permit({ apis: ['*'] })], alice, payroll)).toEqual(denied)
    expect(decide([permit({ tools: ['*'] })], alice, find).effect).toBe('permit')
  })

  test('takes the order of the rules, not of their lists, for the first', () => {
    const twice = permit({ servers: ['crm', 'crm'], tools: ['find_*', 'find_customer'] })
    const rules = [permit({ servers: ['crm'], tools: ['*'] }), twice, permit({ tools: ['find_customer'] })]
    expect(decide(rules, alice, find)).toEqual({ effect: 'permit', rule: 'policies[1]' })
    expect(decide(rules.slice(1), alice, find)).toEqual({ effect: 'permit', rule: 'policies[1]' })
    expect(decide(rules.toReversed(), alice, find)).toEqual({ effect: 'permit', rule: 'policies[1]' })
  })

  test('does not mistake an empty list for an absent one', () => {
    expect(decide([permit({ tools: [] })], alice, find)).toEqual(denied)
    expect(decide([permit({ servers: [] })], alice, find)).toEqual(denied)
    expect(decide([permit({ users: [] })], alice, find)).toEqual(denied)
  })

  test('is not fooled by names that every object has', () => {
    const target: PolicyTarget = { kind: 'tool', server: '__proto__', tool: 'constructor' }
    expect(decide([permit({ servers: ['crm'], tools: ['find_customer'] })], alice, target)).toEqual(denied)
  })

  test('refuses a rule with both tools and apis, which could mean either', () => {
    expect(() => compilePolicy([forbid({ tools: ['x'], apis: ['payroll'] })].map(withId))).toThrow(
      expect.objectContaining({ code: 'policy.rule_unclear', kind: 'invalid', detail: 'policies[1]' }),
    )
  })
})

describe('the agents of a chain', () => {
  test('must all be permitted: a permitted agent cannot lend its right to another', () => {
    const rules = [permit({ agents: ['assistant'] })]
    expect(decide(rules, chain('assistant'), find).effect).toBe('permit')
    expect(decide(rules, chain('assistant', 'stranger'), find)).toEqual(denied)
    expect(decide(rules, chain('stranger', 'assistant'), find)).toEqual(denied)
  })

  test('must be there at all for a permit that names agents', () => {
    expect(decide([permit({ agents: ['assistant'] })], chain(), find)).toEqual(denied)
  })

  test('are forbidden by any of them: a forbidden agent cannot hide behind another', () => {
    const rules = [permit({}), forbid({ agents: ['rogue'] })]
    expect(decide(rules, chain('assistant', 'rogue'), find)).toEqual({ effect: 'deny', rule: 'policies[2]' })
    expect(decide(rules, chain('assistant'), find).effect).toBe('permit')
  })
})

describe('agents that no operator listed', () => {
  const stranger = { ...alice, agents: ['dyn_1'], unlisted: ['dyn_1'] }

  test('are permitted by no rule that does not speak of them', () => {
    expect(decide([permit({})], stranger, find)).toEqual(denied)
    expect(decide([permit({ agents: ['assistant'] })], stranger, find)).toEqual(denied)
    expect(decide([permit({})], alice, find).effect).toBe('permit')
  })

  test('are permitted where a rule names them, or says `dynamic`', () => {
    expect(decide([permit({ agents: ['dyn_1'] })], stranger, find).effect).toBe('permit')
    expect(decide([permit({ agents: ['dynamic'] })], stranger, find).effect).toBe('permit')
  })

  test('spoil a chain for a rule that does not speak of them, wherever they stand in it', () => {
    for (const agents of [
      ['assistant', 'dyn_1'],
      ['dyn_1', 'assistant'],
    ]) {
      expect(decide([permit({})], { ...stranger, agents }, find)).toEqual(denied)
      expect(decide([permit({ agents: ['dynamic'] })], { ...stranger, agents }, find)).toEqual(denied)
      const both = permit({ agents: ['dynamic', 'assistant'] })
      expect(decide([both], { ...stranger, agents }, find).effect).toBe('permit')
    }
  })

  test('are forbidden by what forbids everybody, and by `dynamic`', () => {
    const rules = [permit({ agents: ['dynamic', 'assistant'] })]
    expect(decide([...rules, forbid({ tools: ['find_*'] })], stranger, find).effect).toBe('deny')
    expect(decide([...rules, forbid({ agents: ['dynamic'] })], stranger, find).effect).toBe('deny')
    expect(decide([...rules, forbid({ agents: ['dynamic'] })], alice, find).effect).toBe('permit')
  })

  test('are not found by the word for them where they are listed', () => {
    expect(decide([permit({ agents: ['dynamic'] })], alice, find)).toEqual(denied)
  })
})

describe('calls and exchanges', () => {
  test('a permit without apis permits no exchange', () => {
    expect(decide([permit({ servers: ['crm'] })], alice, payroll)).toEqual(denied)
    expect(decide([permit({})], alice, payroll)).toEqual(denied)
    expect(decide([permit({ tools: ['*'] })], alice, payroll)).toEqual(denied)
  })

  test('a permit with apis permits no call, of a tool with the name of the API neither', () => {
    const rules = [permit({ servers: ['crm'], apis: ['payroll'] })]
    expect(decide(rules, alice, payroll).effect).toBe('permit')
    expect(decide(rules, alice, { kind: 'tool', server: 'crm', tool: 'payroll' })).toEqual(denied)
  })

  test('a permit for one server lets no other one exchange', () => {
    const rules = [permit({ servers: ['crm'], apis: ['payroll'] })]
    expect(decide(rules, alice, { kind: 'api', server: 'wiki', api: 'payroll' })).toEqual(denied)
  })

  test.each<[RuleTerms, boolean, boolean]>([
    [{ users: ['alice'] }, false, false],
    [{ tools: ['*'] }, false, true],
    [{ apis: ['payroll'] }, true, false],
  ])('a forbid %j leaves calls %s and exchanges %s', (terms, calls, exchanges) => {
    const rules = [permit({}), permit({ apis: ['payroll'] }), forbid(terms)]
    expect(decide(rules, alice, find).effect === 'permit').toBe(calls)
    expect(decide(rules, alice, payroll).effect === 'permit').toBe(exchanges)
  })
})

const name = fc.constantFrom('a', 'b', 'ab', 'constructor')
const names = fc.uniqueArray(name, { maxLength: 3 })
const anyTerms: fc.Arbitrary<RuleTerms> = fc
  .record(
    {
      users: names,
      groups: names,
      agents: fc.uniqueArray(fc.oneof(name, fc.constant('dynamic')), { maxLength: 3 }),
      servers: names,
      names: fc.tuple(fc.constantFrom('tools', 'apis'), fc.array(fc.constantFrom('a', 'b', 'a*', '*b', '*'))),
    },
    { requiredKeys: [] },
  )
  .map(({ names, ...terms }) => (names === undefined ? terms : { ...terms, [names[0]]: names[1] }))
const anyRules: fc.Arbitrary<readonly Draft[]> = fc.array(
  fc.record({ effect: fc.constantFrom('permit', 'forbid'), terms: anyTerms }),
  { maxLength: 8 },
)
const anySubject: fc.Arbitrary<PolicySubject> = fc
  .record({ user: name, username: name, groups: names, agents: names, listed: names })
  .map(({ listed, ...subject }) => ({
    ...subject,
    unlisted: subject.agents.filter((agent) => !listed.includes(agent)),
  }))
const anyTarget: fc.Arbitrary<PolicyTarget> = fc.oneof(
  fc.record({ kind: fc.constant('tool'), server: name, tool: name }),
  fc.record({ kind: fc.constant('api'), server: name, api: name }),
  fc.record({ kind: fc.constant('server'), server: name }),
)

describe('for any rules, a policy', () => {
  test('decides like a plain reading of every rule in order', () => {
    fc.assert(
      fc.property(anyRules, anySubject, anyTarget, (rules, subject, target) => {
        expect(decide(rules, subject, target)).toEqual(plainly(rules.map(withId), subject, target))
      }),
      { numRuns: 2000 },
    )
  })

  test('never permits more for one more forbid', () => {
    fc.assert(
      fc.property(
        anyRules,
        anyTerms,
        fc.nat(),
        anySubject,
        anyTarget,
        (rules, terms, at, subject, target) => {
          const more = rules.toSpliced(at % (rules.length + 1), 0, forbid(terms))
          if (decide(rules, subject, target).effect === 'deny')
            expect(decide(more, subject, target).effect).toBe('deny')
        },
      ),
    )
  })

  test('never permits more for one permit less', () => {
    fc.assert(
      fc.property(anyRules, fc.nat(), anySubject, anyTarget, (rules, at, subject, target) => {
        const fewer = rules.filter((rule, index) => rule.effect === 'forbid' || index !== at % rules.length)
        if (decide(rules, subject, target).effect === 'deny')
          expect(decide(fewer, subject, target).effect).toBe('deny')
      }),
    )
  })
})

test('the rules of other servers, and of other tools, are never looked at', () => {
  const own = [permit({ users: ['bob'], servers: ['crm'], tools: ['find_customer'] })]
  const others = Array.from({ length: 500 }, (_, n) => [
    permit({ users: ['bob'], servers: [`server-${n}`] }),
    forbid({ users: ['bob'], servers: ['crm'], tools: [`tool_${n}`] }),
  ])
  expect(looks([...others.flat(), ...own])).toBe(looks(own))
})

/** How often a decision on `find` asks who the user is. */
function looks(rules: readonly Draft[]): number {
  let count = 0
  const subject: PolicySubject = {
    ...alice,
    get user() {
      count += 1
      return 'u1'
    },
  }
  decide(rules, subject, find)
  return count
}

function chain(...agents: readonly string[]): PolicySubject {
  return { ...alice, agents }
}

function permit(terms: RuleTerms): Draft {
  return { effect: 'permit', terms }
}

function forbid(terms: RuleTerms): Draft {
  return { effect: 'forbid', terms }
}

function withId(rule: Draft, index: number): Rule {
  return { ...rule, id: `policies[${index + 1}]` }
}

function decide(rules: readonly Draft[], subject: PolicySubject, target: PolicyTarget): Decision {
  return compilePolicy(rules.map(withId)).decide(subject, target)
}

/** The rules as they are written down, one after the other. */
function plainly(rules: readonly Rule[], subject: PolicySubject, target: PolicyTarget): Decision {
  const matching = rules.filter((rule) => covers(rule, target) && concerns(rule, subject))
  const no = matching.find((rule) => rule.effect === 'forbid')
  if (no !== undefined) return { effect: 'deny', rule: no.id }
  const yes = matching.find((rule) => rule.effect === 'permit')
  return yes === undefined ? denied : { effect: 'permit', rule: yes.id }
}

function covers({ effect, terms }: Rule, target: PolicyTarget): boolean {
  if (terms.servers !== undefined && !terms.servers.includes(target.server)) return false
  if (target.kind === 'tool') {
    if (terms.apis !== undefined) return false
    return terms.tools === undefined || terms.tools.some((pattern) => glob(pattern).test(target.tool))
  }
  if (target.kind === 'server') {
    return terms.apis === undefined && (effect === 'permit' || terms.tools === undefined)
  }
  if (terms.apis === undefined) return effect === 'forbid' && terms.tools === undefined
  return terms.apis.includes(target.api)
}

function concerns(
  { effect, terms }: Rule,
  { user, username, groups, agents, unlisted }: PolicySubject,
): boolean {
  const { users = [user], groups: named = groups, agents: actors = agents } = terms
  if (!users.includes(user) && !users.includes(username)) return false
  if (terms.groups !== undefined && !groups.some((group) => named.includes(group))) return false
  if (terms.agents === undefined) return effect === 'forbid' || unlisted.length === 0
  const dynamic = actors.includes('dynamic')
  const known = agents.map((agent) => actors.includes(agent) || (dynamic && unlisted.includes(agent)))
  return effect === 'forbid' ? known.includes(true) : known.length > 0 && !known.includes(false)
}

function glob(pattern: string): RegExp {
  return new RegExp(`^${pattern.replaceAll('*', '[^]*')}$`)
}
