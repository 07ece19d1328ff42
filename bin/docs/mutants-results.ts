/** What `npm run mutants` measures, and what it may not leave open. */
export interface Mutants {
  readonly modules: readonly { readonly name: string }[]
  readonly results: Readonly<Record<string, ModuleResult>>
  readonly equal: readonly EqualProgram[]
}

export interface ModuleResult {
  readonly seconds: number
  readonly counts: Counts
  readonly survivors: readonly Survivor[]
}

/** How many changes of a module ended so: the tool's own words. */
export interface Counts {
  readonly Killed: number
  readonly Timeout: number
  readonly Survived: number
  readonly NoCoverage: number
  readonly Ignored: number
}

/** One change that no test noticed. `text` is the line it is in, so that it is found again when lines move. */
export interface Survivor {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly text: string
  readonly mutator: string
  readonly replacement: string
}

/** A survivor that does the same as the program, and why. */
export interface EqualProgram extends Pick<Survivor, 'file' | 'text' | 'replacement'> {
  readonly why: string
}

/** The least share of changes, in percent, that the tests of each module must notice. */
export const bar = 90

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

/** A sentence for each score below the bar, each survivor without a reason, each reason without its survivor. */
export function complaints({ modules, results, equal }: Mutants): readonly string[] {
  const ran = modules.flatMap(({ name }) => {
    const result = results[name]
    return result === undefined ? [] : [{ name, ...result }]
  })
  const survivors = ran.flatMap((result) => result.survivors)
  return [
    ...ran
      .filter(({ counts }) => score(counts) < bar)
      .map(({ name, counts }) => `${name}: ${score(counts).toFixed(1)} % of the changes were noticed, less than ${bar} %`),
    ...survivors
      .filter((survivor) => reasonOf(survivor, equal) === undefined)
      .map(({ file, line, column, text, replacement }) =>
        `${file}:${line}:${column}: no test notices ${replacement} in ${text}`,
      ),
    ...equal
      .filter((reason) => !survivors.some((survivor) => reasonOf(survivor, [reason]) !== undefined))
      .map(({ file, text, replacement }) => `${file}: ${replacement} in ${text} has a reason, but did not survive`),
  ]
}
