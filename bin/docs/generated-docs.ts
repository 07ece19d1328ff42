import { format } from 'prettier'
import { catalogueJsonSchema, describeCatalogue } from '../../service/src/catalogue/index.ts'
import { errorsPage } from './errors-page.ts'

/** Every document that is made from the code, by its path from the root of the repository. */
export async function generatedDocs(): Promise<Readonly<Record<string, string>>> {
  const schema = JSON.stringify(catalogueJsonSchema())
  return {
    'docs/errors.md': await errorsPage(),
    'docs/configuration.md': configurationPage(),
    'docs/tetrapod.schema.json': await format(schema, { parser: 'json', printWidth: 110 }),
  }
}

function configurationPage(): string {
  return `# Configuration

One YAML file, \`tetrapod.yaml\`, says who takes part and what the rules are. It is read once, at the start; every problem
is reported at once, with its line and column. \`tetrapod check --config FILE\` says the same without starting.

- A key that is not in this table is a mistake, never ignored.
- A secret is never in the file, only a reference to it: \`env:NAME\` or \`file:///absolute/path\`.
- A URL is https; http is for this machine alone (127.0.0.1, [::1], localhost).
- Agents, servers and APIs share one namespace: a key is that party's client id, and \`gateway\` is ours.

For completion in an editor, put this on the first line of the file (the path leads to the schema beside this page):

\`\`\`yaml
# yaml-language-server: $schema=docs/tetrapod.schema.json
\`\`\`

\`<key>\` is a name you choose. What has no mark may be absent.

${describeCatalogue()}
This page is generated from the schema in \`service/src/catalogue\`; \`npm run docs\` writes it.
`
}
