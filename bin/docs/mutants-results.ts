import { readFile } from 'node:fs/promises'
import { z } from 'zod'

const count = z.int().nonnegative()

/** How many changes of a module ended so: the tool's own words. */
const countsSchema = z.object({
  Killed: count,
  Timeout: count,
  Survived: count,
  NoCoverage: count,
  Ignored: count,
  RuntimeError: count.default(0),
})

/** One change that no test noticed. `text` is the line it is in, so that it is found again when lines move. */
const survivorSchema = z.object({
  file: z.string(),
  line: count,
  column: count,
  text: z.string(),
  mutator: z.string(),
  replacement: z.string(),
})

const moduleSchema = z.strictObject({
  name: z.string(),
  mutate: z.array(z.string()).nonempty(),
  tests: z.array(z.string()).nonempty(),
})

const resultSchema = z.strictObject({
  seconds: count,
  counts: countsSchema,
  survivors: z.array(survivorSchema),
})

/** A survivor that does the same as the program, and why. */
const equalSchema = survivorSchema
  .pick({ file: true, text: true, replacement: true })
  .extend({ why: z.string().min(20) })

export type Counts = z.infer<typeof countsSchema>
export type Survivor = z.infer<typeof survivorSchema>
export type ModuleResult = z.infer<typeof resultSchema>
export type EqualProgram = z.infer<typeof equalSchema>

/** What `npm run mutants` changes, what it found the last time, and why what it found may stay. */
export interface Mutants {
  readonly modules: readonly z.infer<typeof moduleSchema>[]
  readonly results: Readonly<Record<string, ModuleResult>>
  readonly equal: readonly EqualProgram[]
}

/** The least share of changes, in percent, that the tests of each module must notice. */
export const bar = 90

/** Throws if one of the files in `mutants/` is not what it should be. */
export async function readMutants(): Promise<Mutants> {
  return {
    modules: z.array(moduleSchema).parse(await read('modules')),
    results: z.record(z.string(), resultSchema).parse(await read('results')),
    equal: z.array(equalSchema).parse(await read('equal')),
  }
}

/** Changes noticed, in percent of all that were made; one that no test ran into counts as unnoticed. */
export function score({ Killed, Timeout, Survived, NoCoverage }: Counts): number {
  return (100 * (Killed + Timeout)) / (Killed + Timeout + Survived + NoCoverage)
}

export function reasonOf(survivor: Survivor, equal: readonly EqualProgram[]): EqualProgram | undefined {
  return equal.find(
    ({ file, text, replacement }) =>
      file === survivor.file && text === survivor.text && replacement === survivor.replacement,
  )
}

/** A sentence for each module below the bar, each survivor without a reason, each reason without its survivor. */
export function complaints(mutants: Mutants): readonly string[] {
  return [...belowTheBar(mutants), ...unexplained(mutants), ...outlived(mutants)]
}

function belowTheBar({ results }: Mutants): readonly string[] {
  return Object.entries(results)
    .filter(([, { counts }]) => score(counts) < bar)
    .map(
      ([name, { counts }]) => `${name}: the tests noticed ${score(counts).toFixed(1)} %, less than ${bar} %`,
    )
}

function unexplained({ results, equal }: Mutants): readonly string[] {
  return Object.values(results)
    .flatMap(({ survivors }) => survivors)
    .filter((survivor) => reasonOf(survivor, equal) === undefined)
    .map(({ file, line, column, text, replacement }) => {
      return `${file}:${line}:${column}: no test notices ${replacement} in ${text}`
    })
}

/** Reasons whose change a test notices now, or whose line is gone. */
export function outlived({ results, equal }: Mutants): readonly string[] {
  const survivors = Object.values(results).flatMap((result) => result.survivors)
  return equal
    .filter((reason) => !survivors.some((survivor) => reasonOf(survivor, [reason]) !== undefined))
    .map(
      ({ file, text, replacement }) => `${file}: ${replacement} in ${text} has a reason, but did not survive`,
    )
}

async function read(name: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(`../../mutants/${name}.json`, import.meta.url), 'utf8'))
}
