import { defineConfig } from 'prisma/config'

// The service migrates its own database at start (src/database/migrations/); the CLI generates the client.
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' }
})
