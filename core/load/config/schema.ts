import { ConfigFileSchema } from '../../model/config/config.ts'

/** Keywords of our own, which say why a value is refused. */
const OWN = ['why', 'aboveZero']

/** The text of config.schema.json, which editors check config.json against. */
export const schemaText = (): string =>
  `${
    JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...ConfigFileSchema }, (key, value: unknown) =>
      OWN.includes(key) ? undefined : value, 2)
  }\n`
