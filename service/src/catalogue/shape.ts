import type * as z from 'zod'
import { keyProblem, type Path, type Problem, valueProblem } from './problem.ts'
import { type CatalogueInput, catalogueSchema } from './schema.ts'

/** Reads the shape alone: what it is, or everything in it that has the wrong one. */
export function readShape(value: unknown): {
  readonly input: CatalogueInput | undefined
  readonly problems: readonly Problem[]
} {
  const { data, error } = catalogueSchema.safeParse(value ?? {}, { error: sentenceOf })
  return { input: data, problems: error === undefined ? [] : error.issues.flatMap(problemsOf) }
}

function problemsOf(issue: z.core.$ZodIssue): readonly Problem[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step)) satisfies Path
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => keyProblem([...path, key], issue.message))
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => keyProblem(path, message))
  return [valueProblem(path, issue.message)]
}

/** What the schema itself has no sentence for. */
function sentenceOf(issue: z.core.$ZodRawIssue): string {
  if (issue.code === 'unrecognized_keys')
    return 'This key is unknown here: correct its spelling, or remove it.'
  if (issue.code !== 'invalid_type') return 'This value is not one of those that can stand here.'
  if (issue.input === undefined) return 'It is required: add it.'
  if (issue.expected === 'string')
    return 'Write a text here, in quotes if it looks like a number or a word of YAML.'
  if (issue.expected === 'array') return 'Write a list here: [a, b].'
  return 'Write a mapping here: { key: value }.'
}
