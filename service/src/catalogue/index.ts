export type { Catalogue } from './catalogue.ts'
export { catalogueJsonSchema, describeCatalogue } from './describe-catalogue.ts'
export { loadCatalogue } from './load-catalogue.ts'
