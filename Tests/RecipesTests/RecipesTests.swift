// Tests of Recipes.
