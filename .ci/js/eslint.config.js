import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    languageOptions: {ecmaVersion: 2022, globals: globals.browser},
    rules: {
      eqeqeq: "error",
      "no-unused-vars": ["error", {ignoreRestSiblings: true}],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  {files: ["tests/**"], languageOptions: {globals: globals.nodeBuiltin}},
];
