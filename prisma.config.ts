import { defineConfig } from 'prisma/config'

// The service migrates its own database at start (src/database/migrations.ts);
// the CLI is used to generate the client and to draft new migrations.
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' }
})
