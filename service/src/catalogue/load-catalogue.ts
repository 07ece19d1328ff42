import { buildCatalogue } from './build-catalogue.ts'
import type { Catalogue } from './catalogue.ts'
import { checkAgents } from './check-agents.ts'
import { checkFixed, type Fixed, fixedOf } from './check-fixed.ts'
import { checkCredentials, checkNames } from './check-names.ts'
import { checkRules } from './check-rules.ts'
import { checkScopes, strandedCalls, unreachedEdges } from './check-scopes.ts'
import { checkAddresses } from './check-urls.ts'
import { checkLinks, checkSubjects } from './check-subjects.ts'
import { exposedUsers } from './check-users.ts'
import { type Draft, draftOf } from './draft.ts'
import { invalid } from './faults.ts'
import { type Problem, writePath } from './problem.ts'
import { resolveSecrets, type ResolveSecret } from './resolve-secrets.ts'
import { readShape } from './shape.ts'
import { type Position, readSource, type Source } from './source.ts'

export interface CatalogueDeps {
  readonly resolve: ResolveSecret
  /** What the service was opened with that is to go on with this text: a text that changes it has a problem there. */
  readonly running?: Fixed | undefined
}

export interface LoadedCatalogue {
  readonly catalogue: Catalogue
  readonly fixed: Fixed
  readonly warnings: readonly string[]
}

/**
 * Reads `tetrapod.yaml`: its shape, what its parts say about each other, and the secrets it names.
 *
 * Throws Fault `catalogue.invalid`, whose public message lists every problem, each on a line
 * `line:column path: sentence`. No message repeats a value that could be a secret. `warnings` have the same
 * form: what is legal and most likely a mistake.
 */
export async function loadCatalogue(
  text: string,
  { resolve, running }: CatalogueDeps,
): Promise<LoadedCatalogue> {
  const source = readSource(text)
  const syntax = source.problems.map(({ position, sentence }) => ({ position, text: sentence }))
  if (source.problems.length > 0 && source.value === undefined) throw invalid(lines(syntax))

  const { input, problems } = readShape(source.value)
  const draft = draftOf(source.value)
  const { secrets, problems: unresolved } = await resolveSecrets(draft, resolve)
  const changed = input === undefined || running === undefined ? [] : checkFixed(input, running)
  const located = [...problems, ...crossChecks(draft), ...unresolved, ...changed].map((problem) =>
    locate(source, problem),
  )
  const all = lines([...syntax, ...located])
  if (input === undefined || all.length > 0) throw invalid(all)

  const warnings = [...exposedUsers(draft), ...unreachedEdges(draft), ...strandedCalls(draft)].map(
    (problem) => locate(source, problem),
  )
  return { catalogue: buildCatalogue(input, secrets), fixed: fixedOf(input), warnings: lines(warnings) }
}

function crossChecks(draft: Draft): readonly Problem[] {
  return [
    ...checkNames(draft),
    ...checkCredentials(draft),
    ...checkAgents(draft),
    ...checkAddresses(draft),
    ...checkScopes(draft),
    ...checkRules(draft),
    ...checkLinks(draft),
    ...checkSubjects(draft),
  ]
}

interface Located {
  readonly position: Position
  readonly text: string
}

function locate(source: Source, problem: Problem): Located {
  return { position: source.positionOf(problem), text: `${writePath(problem.path)}: ${problem.sentence}` }
}

/** In the order of the file. */
function lines(located: readonly Located[]): readonly string[] {
  return located
    .toSorted((a, b) => a.position.line - b.position.line || a.position.column - b.position.column)
    .map(({ position, text }) => `${position.line}:${position.column} ${text}`)
}
