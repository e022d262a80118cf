import { ConfigFileSchema } from '../../model/config/config.ts'

/** The text of config.schema.json, which editors check config.json against. */
export const schemaText = (): string =>
  `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...ConfigFileSchema }, null, 2)}\n`
