-- What the manufacturing execution system said of the device, where the profile has one asked.

ALTER TABLE "intent" ADD COLUMN "mes" JSONB;
