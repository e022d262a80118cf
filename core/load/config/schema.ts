import { ConfigFileSchema } from '../../model/config/config.ts'

/** Keywords of offpeak, used for messages about refused values. */
const OWN = ['why', 'aboveZero']

/** The text of config.schema.json, which editors check config.json against. */
export const schemaText = (): string =>
  `${
    JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...ConfigFileSchema }, (key, value: unknown) =>
      OWN.includes(key) ? undefined : value, 2)
  }\n`
