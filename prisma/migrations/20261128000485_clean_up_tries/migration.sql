-- How often AWS has not answered for an item: what has been tried less comes first, so that one keeps no other back.
ALTER TABLE "fleet_clean_up_item" ADD COLUMN "tries" INTEGER NOT NULL DEFAULT 0;
