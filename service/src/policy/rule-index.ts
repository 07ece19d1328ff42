import type { PolicySubject, PolicyTarget } from './rule.ts'

/** A rule made ready to be asked. */
export interface IndexedRule {
  readonly id: string
  /** Its place among the rules: of several that match, the first decides. */
  readonly order: number
  concerns(subject: PolicySubject): boolean
}

/** Where a rule is looked for: under these servers (undefined: under any), for names of one kind of target. */
export interface Place {
  readonly kind: PolicyTarget['kind']
  readonly servers: readonly string[] | undefined
  /** Names that are found by themselves. */
  readonly exact: readonly string[]
  /** True for every other name the rule covers. Undefined when `exact` is all. */
  readonly covers: ((name: string) => boolean) | undefined
}

/** Rules by kind, server and name: a question meets the rules of its own server and those for all. */
export interface RuleIndex {
  add(rule: IndexedRule, place: Place): void
  first(subject: PolicySubject, target: PolicyTarget): IndexedRule | undefined
}

interface Shelf {
  readonly exact: Map<string, IndexedRule[]>
  readonly rest: (readonly [rule: IndexedRule, covers: (name: string) => boolean])[]
}

interface Shelves {
  readonly any: Shelf
  readonly byServer: Map<string, Shelf>
}

export function createRuleIndex(): RuleIndex {
  const kinds = { tool: emptyShelves(), api: emptyShelves(), server: emptyShelves() } satisfies Record<
    PolicyTarget['kind'],
    Shelves
  >
  return {
    add(rule, place) {
      for (const shelf of shelvesAt(kinds[place.kind], place.servers)) put(shelf, rule, place)
    },
    first(subject, target) {
      const { any, byServer } = kinds[target.kind]
      const name = nameOf(target)
      const own = byServer.get(target.server)
      const found = own === undefined ? [] : matches(own, name, subject)
      return earliest([...found, ...matches(any, name, subject)])
    },
  }
}

/** A server has tools of its own; asked for as such, it has no name beside itself. */
function nameOf(target: PolicyTarget): string {
  if (target.kind === 'server') return ''
  return target.kind === 'tool' ? target.tool : target.api
}

/** The first exact and the first other match of a shelf. */
function matches(shelf: Shelf, name: string, subject: PolicySubject): readonly (IndexedRule | undefined)[] {
  const exact = shelf.exact.get(name)?.find((rule) => rule.concerns(subject))
  const other = shelf.rest.find(([rule, covers]) => covers(name) && rule.concerns(subject))
  return [exact, other?.[0]]
}

function earliest(rules: readonly (IndexedRule | undefined)[]): IndexedRule | undefined {
  return rules
    .filter((rule) => rule !== undefined)
    .reduce<IndexedRule | undefined>(
      (best, rule) => (best === undefined || rule.order < best.order ? rule : best),
      undefined,
    )
}

function shelvesAt({ any, byServer }: Shelves, servers: readonly string[] | undefined): readonly Shelf[] {
  if (servers === undefined) return [any]
  return [...new Set(servers)].map((server) => {
    const shelf = byServer.get(server) ?? emptyShelf()
    byServer.set(server, shelf)
    return shelf
  })
}

function put(shelf: Shelf, rule: IndexedRule, { exact, covers }: Place): void {
  for (const name of new Set(exact)) {
    const rules = shelf.exact.get(name) ?? []
    rules.push(rule)
    shelf.exact.set(name, rules)
  }
  if (covers !== undefined) shelf.rest.push([rule, covers])
}

function emptyShelf(): Shelf {
  return { exact: new Map(), rest: [] }
}

function emptyShelves(): Shelves {
  return { any: emptyShelf(), byServer: new Map() }
}
