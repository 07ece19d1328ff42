import { fault } from './faults.ts'
import { namePattern } from '#kernel'
import { DYNAMIC, type Policy, type PolicySubject, type Rule, type RuleTerms } from './rule.ts'
import { createRuleIndex, type Place } from './rule-index.ts'

/**
 * Compiles the rules of a catalogue into a policy. What no rule permits is denied, and a forbid wins over
 * every permit. Of several rules that match, the decision names the first.
 *
 * - A list that is absent matches anything; a list that is present must match.
 * - `users` match the user name or the account id.
 * - A permit's `agents` must hold every agent of the chain, and there must be one; a forbid's, any of them.
 * - A permit without `agents` is for chains of listed agents alone; a forbid without them is for all. `dynamic` among
 *   `agents` stands for every agent that is not listed.
 * - A permit with `apis` is about exchanges alone, one without about tool calls alone. A forbid is about both,
 *   unless it has `tools` (calls alone) or `apis` (exchanges alone).
 * - A server as such is denied to whom no rule could permit a tool of it.
 * - `tools` may hold `*` for any run of characters; every other list is exact.
 *
 * A decision costs what the rules of its own server cost, and those without `servers`: the rules of other
 * servers are never looked at. Throws Fault `policy.rule_unclear` for a rule with both `tools` and `apis`.
 */
export function compilePolicy(rules: readonly Rule[]): Policy {
  const index = { permit: createRuleIndex(), forbid: createRuleIndex() }
  rules.forEach((rule, order) => {
    const compiled = { id: rule.id, order, concerns: concerns(rule) }
    for (const place of placesOf(rule)) index[rule.effect].add(compiled, place)
  })
  return {
    decide(subject, target) {
      const forbid = index.forbid.first(subject, target)
      if (forbid !== undefined) return { effect: 'deny', rule: forbid.id }
      const permit = index.permit.first(subject, target)
      return permit === undefined
        ? { effect: 'deny', rule: undefined }
        : { effect: 'permit', rule: permit.id }
    },
  }
}

function concerns({ effect, terms }: Rule): (subject: PolicySubject) => boolean {
  const users = setOf(terms.users)
  const groups = setOf(terms.groups)
  const agents = setOf(terms.agents)
  return (subject) =>
    (users === undefined || users.has(subject.user) || users.has(subject.username)) &&
    (groups === undefined || subject.groups.some((group) => groups.has(group))) &&
    holdsAgents(effect, agents, subject)
}

function holdsAgents(
  effect: Rule['effect'],
  named: ReadonlySet<string> | undefined,
  { agents: chain, unlisted }: PolicySubject,
): boolean {
  if (named === undefined) return effect === 'forbid' || unlisted.length === 0
  const holds = (agent: string) => named.has(agent) || (named.has(DYNAMIC) && unlisted.includes(agent))
  if (effect === 'forbid') return chain.some(holds)
  // A permit for an agent is never a permit for no agent at all, which `every` alone would make it.
  return chain.length > 0 && chain.every(holds)
}

function placesOf({ id, effect, terms }: Rule): readonly Place[] {
  const { servers, tools, apis } = terms
  if (tools !== undefined && apis !== undefined) throw fault.rule_unclear({ detail: id })
  if (apis !== undefined) return [{ kind: 'api', servers, exact: apis, covers: undefined }]
  const calls: Place = { kind: 'tool', servers, ...toolNames(tools) }
  const server: Place = { kind: 'server', servers, ...anything }
  if (effect === 'permit') return [calls, server]
  return tools === undefined ? [calls, server, { kind: 'api', servers, ...anything }] : [calls]
}

const anything = { exact: [], covers: () => true }

function toolNames(tools: RuleTerms['tools']): Pick<Place, 'exact' | 'covers'> {
  if (tools === undefined) return anything
  const exact = tools.filter((tool) => !tool.includes('*'))
  const patterns = tools.filter((tool) => tool.includes('*')).map(namePattern)
  const covers = (name: string) => patterns.some((matches) => matches(name))
  return { exact, covers: patterns.length === 0 ? undefined : covers }
}

function setOf(names: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return names === undefined ? undefined : new Set(names)
}
